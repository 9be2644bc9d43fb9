"""The data path and the control path to inference servers, behind the ports of the pipeline and the providers."""

import asyncio

import httpx

from appliance.domain.model import Deployment
from appliance.domain.upstream import Failure, FailureKind, Header, Part, UpstreamError
from appliance.egress.transport import Answer, Payload, PooledTransport
from appliance.egress.url import check_url, origin
from appliance.ports.upstream import Fetched

FETCH_BYTES = 4 * 1024 * 1024
POOL_WAIT = 1.0  # seconds; the pool's cap is a safety net far above `max_parallel`
_URLS = 1024  # paths are few; this bounds a provider that makes them

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


class EgressExchange:
    """One answer being received; see `ports.upstream.Exchange`."""

    __slots__ = ("_answer", "_headers", "status")

    def __init__(self, response: httpx.Response) -> None:
        assert isinstance(response.stream, Answer)  # noqa: S101  our own transport made it
        self.status = response.status_code
        self._answer = response.stream
        self._headers = response.headers

    def header(self, name: str) -> str | None:
        wanted = name.encode("ascii")
        for key, value in self._headers.raw:
            if key == wanted:
                return value.decode("latin-1")
        return None

    async def read(self, limit: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while data := await self.next():
            size += len(data)
            if size > limit:
                self.close()
                raise UpstreamError(Failure(kind=FailureKind.PROTOCOL, message=f"the answer exceeds {limit} bytes"))
            pieces.append(data)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def next(self) -> bytes:
        try:
            return await self._answer.next()
        except httpx.TransportError as error:
            raise failure(error) from error

    def close(self) -> None:
        self._answer.release()


class EgressUpstream:
    """The data path; see `ports.upstream.Upstream`. Calls the transport with an `httpx.Request` of its own making.

    `httpx.AsyncClient.send` doubles the cost of a request (cookies, auth, redirects, events), and this path has none.
    """

    def __init__(self, transport: PooledTransport) -> None:
        self._transport = transport
        self._urls: dict[tuple[str, str], tuple[httpx.URL, bytes]] = {}

    async def open(self, to: Deployment, part: Part) -> EgressExchange:
        timeouts = {
            "connect": to.timeouts.connect,
            "pool": POOL_WAIT,
            "write": None,  # with the head: the caller holds the first-byte deadline
            "head": None,
            "read": to.timeouts.between_chunks,
        }
        try:
            url, host = self._url(to.url, part.path)
            request = httpx.Request(
                part.method,
                url,
                headers=_headers(to, part, host),
                stream=Payload(part.body),
                extensions={"timeout": timeouts, "ca_file": to.ca_file},
            )
            return EgressExchange(await self._transport.handle_async_request(request))
        except (httpx.HTTPError, OSError) as error:
            raise failure(error) from error

    def forget(self, keep: frozenset[str]) -> None:
        kept = {origin(url) for url in keep if not check_url(url)}
        self._urls = {key: value for key, value in self._urls.items() if key[0] in keep}
        self._transport.pool.forget(kept.__contains__)

    def _url(self, base: str, path: str) -> tuple[httpx.URL, bytes]:
        known = self._urls.get((base, path))
        if known is None:
            if len(self._urls) >= _URLS:
                self._urls.clear()
            url = _target(base, path)
            known = self._urls[base, path] = (url, url.netloc)
        return known


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


def _headers(to: Deployment, part: Part, host: bytes) -> list[Header]:
    """Fields of one request. The credential is asked for each time and kept nowhere."""
    headers: list[Header] = [(b"host", host), (b"accept", b"*/*"), *part.headers]
    if part.body:
        headers.append((b"content-type", b"application/json"))
    if to.secret is not None:
        headers.append((b"authorization", b"Bearer " + to.secret.reveal().encode()))
    return headers


def _target(base: str, path: str) -> httpx.URL:
    if problems := check_url(base):
        raise httpx.UnsupportedProtocol(f"the endpoint's url is refused: {problems[0]}")
    if not path.startswith("/"):
        raise httpx.LocalProtocolError("the path of a request begins with `/`")
    return httpx.URL(base.removesuffix("/") + path)
