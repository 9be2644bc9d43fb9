"""Two tiny recognisers, and one for each way to fail."""

import time
from collections.abc import Iterable

from appliance.domain.privacy import Analysis, Entity, Finding
from appliance.redaction.worker.engine import Ours


class Word:
    """Finds one word."""

    entities: tuple[Entity, ...]

    def __init__(self, word: str, entity: str) -> None:
        self.word, self.entities = word, (Entity(entity),)

    def find(self, text: str) -> Iterable[Finding]:
        at = text.find(self.word)
        while at >= 0:
            yield Finding(at, at + len(self.word), self.entities[0], 0.9)
            at = text.find(self.word, at + 1)


class Faulty:
    """Fails on what a text says."""

    entities: tuple[Entity, ...] = ()

    def find(self, text: str) -> Iterable[Finding]:
        if "RAISE" in text:
            raise ValueError(f"cannot read {text}")
        if "HANG" in text:
            while True:
                time.sleep(60)
        if "PRINT" in text:
            print(text)
        return ()


def ours(analysis: Analysis) -> Ours:
    words = (Word("Marlene", "PERSON"), Word("@", "EMAIL_ADDRESS"))
    return (*(word for word in words if word.entities[0] in analysis.entities), Faulty())
