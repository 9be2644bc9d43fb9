"""`ports.Analyser`: the cache first, then the workers, with large requests split over them by text."""

import asyncio
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from math import ceil
from typing import Final, Self

import msgspec

from appliance.domain.errors import RedactionUnavailable, Unable
from appliance.domain.privacy import Analysis, Code, Finding
from appliance.redaction.cache import Cache
from appliance.redaction.languages import LANGUAGES
from appliance.redaction.pieces import Piece, pieces, together
from appliance.redaction.pool.settings import PoolSettings
from appliance.redaction.pool.supervisor import Job, Supervisor

_DIGEST: Final = 16  # bytes
_UNIT: Final = 65_536  # characters for which a whole request has one task's deadline; twice the text, twice the time


class PooledAnalyser:
    """`start` it on the running loop and `close` it there."""

    def __init__(self, settings: PoolSettings, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._cache = Cache(entries=settings.cache_entries, size=settings.cache_bytes)
        self._pool = Supervisor(settings, command, environment)
        self.hits = 0  # texts whose findings were known

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
    def spares(self) -> tuple[int, ...]:
        """The workers that have loaded and wait for another to be lost."""
        return self._pool.spares

    @property
    def replaced(self) -> int:
        """Workers that died or were killed since the start."""
        return self._pool.replaced

    async def find(self, analysis: Analysis, texts: Sequence[str]) -> list[tuple[Finding, ...]]:
        unknown = [one for one in analysis.languages if one not in LANGUAGES]
        if unknown or not analysis.languages:
            raise RedactionUnavailable(
                f"privacy: no language `{', '.join(unknown)}`; known: {', '.join(LANGUAGES)}", why=Unable.LANGUAGE
            )
        digest = blake2b(msgspec.msgpack.encode(analysis), digest_size=_DIGEST).hexdigest()
        keys = [self._key(digest, text) for text in texts]
        found = {key: hit for key in keys if (hit := self._cache.get(key)) is not None}
        self.hits += len(found)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if missing:
            fresh = await self._analyse(analysis, digest, missing)
            for key, findings in fresh.items():
                self._cache.put(key, findings)
            found |= fresh
        return [found[key] for key in keys]

    def _key(self, digest: str, text: str) -> bytes:
        if len(text) > self._settings.most_chars:
            most = self._settings.most_chars
            raise RedactionUnavailable(
                f"privacy: a text of {len(text)} characters; at most {most} are analysed", why=Unable.LENGTH
            )
        try:
            return self._cache.key(digest, text)
        except UnicodeEncodeError:
            raise RedactionUnavailable(
                "privacy: a text holds half a surrogate pair and cannot be analysed", why=Unable.TEXT
            ) from None

    async def _analyse(
        self, analysis: Analysis, digest: str, texts: dict[bytes, str]
    ) -> dict[bytes, tuple[Finding, ...]]:
        """No more tasks at once than there are workers, so that one large request does not stand before all others.

        Time in the queue is bounded by the pool. From when a worker takes its first task on, a request has a task's
        deadline for every _UNIT characters.
        """
        parts = [(key, piece) for key, text in texts.items() for piece in self._pieces(analysis, text)]
        tasks = iter(split(parts, self._settings.task_chars))
        found: dict[tuple[bytes, Piece], tuple[Finding, ...]] = {}
        within = self._settings.deadline_s * ceil(sum(map(len, texts.values())) / _UNIT or 1)

        def taken() -> None:
            if limit.when() is None:
                limit.reschedule(asyncio.get_running_loop().time() + within)

        async def work() -> None:
            for task in tasks:
                read = [texts[key][piece.start : piece.end] for key, piece in task]
                found.update(zip(task, await self._pool.run(Job(analysis, digest, read, taken)), strict=True))

        limit = asyncio.timeout(None)
        running = [asyncio.ensure_future(work()) for _ in range(min(self._settings.workers, len(parts)))]
        try:
            async with limit:
                await asyncio.gather(*running)
        except TimeoutError:
            told = f"privacy: the texts of a request could not be analysed within {within:g} s"
            raise RedactionUnavailable(told, why=Unable.DEADLINE, retry_after=1.0) from None
        finally:
            for one in running:
                one.cancel()
        whole: dict[bytes, list[tuple[Piece, tuple[Finding, ...]]]] = {key: [] for key in texts}
        for key, piece in parts:
            whole[key].append((piece, found[key, piece]))
        return {key: of[0][1] if len(of) == 1 else together(of) for key, of in whole.items()}

    def _pieces(self, analysis: Analysis, text: str) -> list[Piece]:
        """A piece cut out of a code block would not know that it is code: where that matters, a text stays whole."""
        whole = Piece(0, len(text), 0, len(text))
        if analysis.code is not Code.SCAN or not text:
            return [whole]
        return list(pieces(text, self._settings.core_chars, self._settings.margin_chars))


def split(parts: Sequence[tuple[bytes, Piece]], size: int) -> list[list[tuple[bytes, Piece]]]:
    """In groups of about `size` characters together; a longer one stands alone."""
    groups: list[list[tuple[bytes, Piece]]] = []
    room = 0
    for key, piece in parts:
        length = piece.end - piece.start
        if not groups or length > room:
            groups.append([])
            room = size
        groups[-1].append((key, piece))
        room -= length
    return groups
