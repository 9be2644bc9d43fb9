"""`ports.Analyser`: the cache first, then the workers, with large requests split over them by text."""

import asyncio
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Self

import msgspec

from appliance.domain.errors import RedactionUnavailable
from appliance.domain.privacy import Analysis, Finding
from appliance.redaction.cache import Cache
from appliance.redaction.languages import LANGUAGES
from appliance.redaction.pool.settings import PoolSettings
from appliance.redaction.pool.supervisor import Job, Supervisor

_DIGEST = 16  # bytes


class PooledAnalyser:
    """`start` it on the running loop and `close` it there."""

    def __init__(self, settings: PoolSettings, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._cache = Cache(entries=settings.cache_entries, size=settings.cache_bytes)
        self._pool = Supervisor(settings, command, environment)

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def start(self) -> None:
        self._pool.start()

    async def close(self) -> None:
        await self._pool.close()

    @property
    def ready(self) -> bool:
        """Whether a worker has loaded and can be asked."""
        return self._pool.ready

    @property
    def model(self) -> str:
        return self._pool.model

    @property
    def pids(self) -> tuple[int, ...]:
        """The workers that can be asked."""
        return self._pool.pids

    @property
    def replaced(self) -> int:
        """Workers that died or were killed since the start."""
        return self._pool.replaced

    async def find(self, analysis: Analysis, texts: Sequence[str]) -> list[tuple[Finding, ...]]:
        unknown = [one for one in analysis.languages if one not in LANGUAGES]
        if unknown or not analysis.languages:
            raise RedactionUnavailable(f"privacy: no language `{', '.join(unknown)}`; known: {', '.join(LANGUAGES)}")
        digest = blake2b(msgspec.msgpack.encode(analysis), digest_size=_DIGEST).hexdigest()
        keys = [self._key(digest, text) for text in texts]
        found = {key: hit for key in keys if (hit := self._cache.get(key)) is not None}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if missing:
            found |= await self._analyse(analysis, digest, missing)
        return [found[key] for key in keys]

    def _key(self, digest: str, text: str) -> bytes:
        if len(text) > self._settings.most_chars:
            most = self._settings.most_chars
            raise RedactionUnavailable(f"privacy: a text of {len(text)} characters; at most {most} are analysed")
        try:
            return self._cache.key(digest, text)
        except UnicodeEncodeError:
            raise RedactionUnavailable("privacy: a text holds half a surrogate pair and cannot be analysed") from None

    async def _analyse(
        self, analysis: Analysis, digest: str, texts: dict[bytes, str]
    ) -> dict[bytes, tuple[Finding, ...]]:
        """No more tasks at once than there are workers, so that one large request does not stand before all others."""
        tasks = iter(split(texts, self._settings.task_chars))
        found: dict[bytes, tuple[Finding, ...]] = {}

        async def work() -> None:
            for keys in tasks:
                job = Job(analysis, digest, [texts[key] for key in keys])
                for key, findings in zip(keys, await self._pool.run(job), strict=True):
                    found[key] = findings
                    self._cache.put(key, findings)

        running = [asyncio.ensure_future(work()) for _ in range(min(self._settings.workers, len(texts)))]
        try:
            await asyncio.gather(*running)
        finally:
            for one in running:
                one.cancel()
        return found


def split(texts: dict[bytes, str], size: int) -> list[list[bytes]]:
    """Keys in groups whose texts have about `size` characters together; a longer one stands alone."""
    groups: list[list[bytes]] = []
    room = 0
    for key, text in texts.items():
        if not groups or len(text) > room:
            groups.append([])
            room = size
        groups[-1].append(key)
        room -= len(text)
    return groups
