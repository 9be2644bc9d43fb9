"""An analyser that knows fixed words."""

import asyncio
from collections.abc import Mapping, Sequence

from appliance.domain.privacy import Analysis, Entity, Finding

KNOWN: Mapping[str, str] = {
    "Ada Lovelace": "PERSON",
    "Grace Hopper": "PERSON",
    "ada@example.org": "EMAIL_ADDRESS",
    "4111 1111 1111 1111": "CREDIT_CARD",
    "DE89370400440532013000": "IBAN_CODE",
    "sk-0123456789abcdef": "SECRET",
}


class FakeAnalyser:
    """`fails` is raised instead of an answer; `waits` is how long one takes."""

    def __init__(self, known: Mapping[str, str] = KNOWN) -> None:
        self.known = known
        self.fails: Exception | None = None
        self.waits: asyncio.Event | None = None
        self.asked: list[tuple[Analysis, tuple[str, ...]]] = []

    @property
    def model(self) -> str:
        return "fake@0000"

    async def find(self, analysis: Analysis, texts: Sequence[str]) -> list[tuple[Finding, ...]]:
        self.asked.append((analysis, tuple(texts)))
        if self.waits is not None:
            await self.waits.wait()
        if self.fails is not None:
            raise self.fails
        return [self._in(text, analysis) for text in texts]

    def _in(self, text: str, analysis: Analysis) -> tuple[Finding, ...]:
        found = []
        for word, entity in self.known.items():
            at = text.find(word) if entity in analysis.entities else -1
            while at >= 0:
                found.append(Finding(at, at + len(word), Entity(entity), 0.85))
                at = text.find(word, at + 1)
        return tuple(sorted(found, key=lambda one: one.start))
