"""Inference servers of a script: bytes, waits and faults, in the order a test writes them."""

import asyncio
from collections.abc import Sequence

import msgspec

from appliance.domain.ids import DeploymentId
from appliance.domain.model import Deployment
from appliance.domain.upstream import Failure, FailureKind, Part, UpstreamError
from appliance.ports.upstream import Exchange, Fetched
from tests.fakes.gate import Gate

Piece = bytes | UpstreamError | Gate | BaseException


def broken(kind: FailureKind, message: str = "it broke") -> UpstreamError:
    return UpstreamError(Failure(kind=kind, message=message))


class Says(msgspec.Struct, frozen=True):
    """One answer. A Gate waits, an exception is raised, `before` comes in front of the head."""

    pieces: Sequence[Piece] = ()
    status: int = 200
    before: Piece | None = None
    headers: dict[str, str] = {}


class FakeExchange:
    def __init__(self, says: Says) -> None:
        self.status = says.status
        self._headers = says.headers
        self._pieces = list(says.pieces)
        self._ended = False
        self.closed = False

    @property
    def returned(self) -> bool:
        """The connection can serve again: the body was read to its end before it was closed."""
        return self.closed and self._ended

    @property
    def aborted(self) -> bool:
        return self.closed and not self._ended

    @property
    def left(self) -> int:
        """Pieces nobody has read."""
        return len(self._pieces)

    def header(self, name: str) -> str | None:
        return self._headers.get(name)

    async def read(self, limit: int) -> bytes:
        body = b""
        while piece := await self.next():
            body += piece
            if len(body) > limit:
                raise broken(FailureKind.PROTOCOL, f"the answer is longer than {limit} bytes")
        return body

    async def next(self) -> bytes:
        assert not self.closed, "read after close"
        while self._pieces:
            piece = self._pieces.pop(0)
            if (data := await play(piece)) is not None:
                return data
        self._ended = True
        return b""

    def close(self) -> None:
        self.closed = True


class FakeUpstream:
    """Each deployment has its own list of answers, by label; the last one is given again and again."""

    def __init__(self) -> None:
        self._script: dict[str, list[Says]] = {}
        self.calls: list[tuple[str, Part]] = []  # (label, part)
        self.exchanges: list[FakeExchange] = []
        self.kept: frozenset[str] | None = None

    def script(self, label: str, *answers: Says) -> None:
        self._script[label] = list(answers)

    @property
    def asked(self) -> list[str]:
        """Labels in the order they were called."""
        return [label for label, _ in self.calls]

    async def open(self, to: Deployment, part: Part) -> Exchange:
        self.calls.append((to.label, part))
        answers = self._script[to.label]
        says = answers.pop(0) if len(answers) > 1 else answers[0]
        if says.before is not None:
            await play(says.before)
        exchange = FakeExchange(says)
        self.exchanges.append(exchange)
        return exchange

    def forget(self, keep: frozenset[str]) -> None:
        self.kept = keep


async def play(piece: Piece) -> bytes | None:
    """Bytes to give, or None when the piece was a wait that is over."""
    if isinstance(piece, Gate):
        await piece.wait()
        return None
    if isinstance(piece, BaseException):
        raise piece
    await asyncio.sleep(0)  # as a socket would: other tasks have their turn
    return piece


class FakeFetch:
    """Answers of control requests by (deployment, path); anything else is a refused connection."""

    def __init__(self) -> None:
        self.answers: dict[tuple[DeploymentId, str], Fetched] = {}
        self.asked: list[tuple[DeploymentId, str, bool]] = []  # with credential or without

    async def fetch(
        self,
        to: Deployment,
        path: str,
        *,
        body: bytes | None = None,
        timeout: float = 5.0,
        credential: bool = True,
    ) -> Fetched:
        self.asked.append((to.id, path, credential))
        if (answer := self.answers.get((to.id, path))) is None:
            raise broken(FailureKind.DEAD, "connection refused")
        return answer
