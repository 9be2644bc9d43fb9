"""The data path and the control path to inference servers, behind the ports of the pipeline and the providers."""

import asyncio
from typing import NamedTuple

import httpx

from appliance.domain.model import Deployment
from appliance.domain.upstream import Failure, FailureKind, Part, UpstreamError
from appliance.egress.pool import Route
from appliance.egress.transport import Answer, PooledTransport, Waits, field, opening, route_of
from appliance.egress.url import check_url, origin
from appliance.ports.upstream import Fetched

FETCH_BYTES = 4 * 1024 * 1024
POOL_WAIT = 1.0  # seconds; the pool's cap is a safety net far above `max_parallel`
_BEGINNINGS = 1024  # paths and headers are few; this bounds a provider that makes them

_KINDS: tuple[tuple[type[Exception], FailureKind], ...] = (
    (httpx.PoolTimeout, FailureKind.OVERLOAD),
    (httpx.TimeoutException, FailureKind.TIMEOUT),
    (httpx.NetworkError, FailureKind.DEAD),
    (httpx.HTTPError, FailureKind.PROTOCOL),
    (OSError, FailureKind.DEAD),
)


def failure(error: Exception) -> UpstreamError:
    """An error of the transport in the pipeline's words. The message names host and port, never a header or body."""
    kind = next((kind for of, kind in _KINDS if isinstance(error, of)), FailureKind.PROTOCOL)
    return UpstreamError(Failure(kind=kind, message=str(error)))


class EgressExchange(Answer):
    """One answer being received; see `ports.upstream.Exchange`."""

    __slots__ = ()

    def header(self, name: str) -> str | None:
        wanted = name.encode("ascii")
        for key, value in self.headers:
            if key == wanted:
                return value.decode("latin-1")
        return None

    async def read(self, limit: int) -> bytes:
        data = await self.next()
        if self.ended and len(data) <= limit:  # head and body came as one: most whole answers do
            self.release()
            return data
        pieces: list[bytes] = []
        size = 0
        while data:
            size += len(data)
            if size > limit:
                self.close()
                raise UpstreamError(Failure(kind=FailureKind.PROTOCOL, message=f"the answer exceeds {limit} bytes"))
            pieces.append(data)
            data = await self.next()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def told(self, error: httpx.TransportError) -> UpstreamError:
        return failure(error)

    def close(self) -> None:
        self.release()


class Beginning(NamedTuple):
    """Everything of a request that the next one to the same place has in common with it. No credential is in it."""

    route: Route
    opening: bytes


class EgressUpstream:
    """The data path; see `ports.upstream.Upstream`.

    It writes its own requests: `httpx.AsyncClient.send` doubles the cost of one, and `httpx.Request` with `Response`
    still take a tenth of what the gateway does for it.
    """

    def __init__(self, transport: PooledTransport) -> None:
        self._transport = transport
        self._known: dict[tuple[object, ...], Beginning] = {}

    async def open(self, to: Deployment, part: Part) -> EgressExchange:
        # Writing and the head are not timed here: the caller holds the first-byte deadline.
        waits = Waits(connect=to.timeouts.connect, pool=POOL_WAIT, read=to.timeouts.between_chunks)
        body = part.body
        try:
            beginning = self._known.get((to.url, to.ca_file, part.method, part.path, part.headers))
            if beginning is None:
                beginning = self._beginning(to, part)
            head = beginning.opening
            if body:
                head += b"content-type: application/json\r\n"
            if to.secret is not None:  # asked for each time and kept nowhere
                head += field(b"authorization", b"Bearer " + to.secret.reveal().encode())
            if body or part.method != "GET":
                head += b"content-length: %d\r\n" % len(body)
            connection = await self._transport.send(beginning.route, head + b"\r\n" + body, waits)
            return EgressExchange(connection, self._transport.pool, waits.read)
        except (httpx.HTTPError, OSError) as error:
            raise failure(error) from error

    def forget(self, keep: frozenset[str]) -> None:
        kept = {origin(url) for url in keep if not check_url(url)}
        self._known = {place: beginning for place, beginning in self._known.items() if place[0] in keep}
        self._transport.pool.forget(kept.__contains__)

    def _beginning(self, to: Deployment, part: Part) -> Beginning:
        if len(self._known) >= _BEGINNINGS:
            self._known.clear()
        url = _target(to.url, part.path)
        route = route_of(part.method, url, to.ca_file)
        fields = [(b"host", url.netloc), (b"accept", b"*/*"), *part.headers]
        beginning = Beginning(route, opening(part.method, url, fields))
        self._known[to.url, to.ca_file, part.method, part.path, part.headers] = beginning
        return beginning


class EgressFetch:
    """Control traffic; see `ports.upstream.Fetch`. Ordinary httpx over the same transport."""

    def __init__(self, transport: PooledTransport) -> None:
        self._client = httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False)

    async def fetch(
        self,
        to: Deployment,
        path: str,
        *,
        body: bytes | None = None,
        timeout: float = 5.0,
        credential: bool = True,
    ) -> Fetched:
        headers = {"accept": "*/*"}
        if body is not None:
            headers["content-type"] = "application/json"
        if credential and to.secret is not None:
            headers["authorization"] = f"Bearer {to.secret.reveal()}"
        try:
            target = _target(to.url, path)
        except httpx.HTTPError as error:
            raise failure(error) from error
        request = self._client.build_request(
            "GET" if body is None else "POST",
            target,
            headers=headers,
            content=body,
            timeout=timeout,
            extensions={"ca_file": to.ca_file},
        )
        try:
            async with asyncio.timeout(timeout):  # over all: httpx's own deadlines each begin anew
                return await self._send(request)
        except TimeoutError as error:
            late = f"`{origin(to.url)}` did not finish its answer to `{path}` within {timeout} s"
            raise UpstreamError(Failure(kind=FailureKind.TIMEOUT, message=late)) from error
        except (httpx.HTTPError, OSError) as error:
            raise failure(error) from error

    async def _send(self, request: httpx.Request) -> Fetched:
        response = await self._client.send(request, stream=True)
        try:
            pieces: list[bytes] = []
            async for piece in response.aiter_raw():
                pieces.append(piece)
                if response.num_bytes_downloaded > FETCH_BYTES:
                    raise httpx.RemoteProtocolError(f"the answer exceeds {FETCH_BYTES} bytes")
            return Fetched(response.status_code, dict(response.headers), b"".join(pieces))
        finally:
            await response.aclose()


def _target(base: str, path: str) -> httpx.URL:
    if problems := check_url(base):
        raise httpx.UnsupportedProtocol(f"the endpoint's url is refused: {problems[0]}")
    if not path.startswith("/"):
        raise httpx.LocalProtocolError("the path of a request begins with `/`")
    return httpx.URL(base.removesuffix("/") + path)
