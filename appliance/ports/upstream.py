"""The data path to inference servers, and the control path beside it."""

from typing import Protocol

import msgspec

from appliance.domain.model import Deployment
from appliance.domain.upstream import Part


class Exchange(Protocol):
    """One HTTP answer being received. Close it on every path: closing early aborts the generation."""

    status: int

    def header(self, name: str) -> str | None:
        """First value of a header, looked up by its lower-case name."""
        ...

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises UpstreamError (PROTOCOL) past `limit` bytes."""
        ...

    async def next(self) -> bytes:
        """The next bytes as they came off the wire, `b""` at a clean end.

        Raises UpstreamError: DEAD (reset, or closed inside a chunk), PROTOCOL, TIMEOUT (`between_chunks`).
        """
        ...

    def close(self) -> None:
        """Give the connection back if the body was read whole, else abort it. Idempotent, never blocks."""
        ...


class Upstream(Protocol):
    """Sends one part to a deployment. The egress guard, the pool, TLS and the connect deadline are inside."""

    async def open(self, to: Deployment, part: Part) -> Exchange:
        """Send and return once status and headers are here. Adds content-type, accept, and the deployment's credential.

        Raises UpstreamError: DEAD (refused, reset, unknown name, refused by the egress guard), TIMEOUT (connect),
        OVERLOAD (no connection of the pool came free in time), PROTOCOL (the head is no HTTP, or more than we take).
        The wait for the head is not bounded here: the caller holds the first-byte deadline.
        """
        ...

    def forget(self, keep: frozenset[str]) -> None:
        """Close idle connections to every base url not in `keep` (after a configuration change)."""
        ...


class Fetched(msgspec.Struct, frozen=True):
    """A small answer of a control request."""

    status: int
    headers: dict[str, str]  # lower-case names
    body: bytes


class Fetch(Protocol):
    """Control traffic (health, discovery, load, doctor) through the same egress guard. Never a generation or a pull."""

    async def fetch(
        self,
        to: Deployment,
        path: str,
        *,
        body: bytes | None = None,
        timeout: float = 5.0,
        credential: bool = True,
    ) -> Fetched:
        """GET, or POST when there is a `body`. At most 4 MiB are read; `credential=False` asks as a stranger would.

        Raises UpstreamError (DEAD, TIMEOUT, PROTOCOL).
        """
        ...
