"""One inference route as a raw ASGI application: guard, body, pipeline, answer, settlement."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from appliance.domain.errors import (
    FieldNotAllowed,
    GatewayError,
    MethodNotAllowed,
    ModelNotAllowed,
    NotPermitted,
    QueueFull,
    ShuttingDown,
    UpstreamTimeout,
)
from appliance.domain.ids import RequestId
from appliance.domain.ledger import Status
from appliance.domain.upstream import Kind
from appliance.http.errors import JSON, Header, internal, render
from appliance.http.live import Live, Running
from appliance.http.request_id import REQUEST_ID, new_request_id
from appliance.http.server.wire import GONE, Receive, Scope, Send, TellWhenGone
from appliance.http.v1.decode import decode
from appliance.http.v1.request import bearer, read_body
from appliance.pipeline.inference import Inference
from appliance.pipeline.relay import Relay
from appliance.pipeline.settlement import Settlement

EVENT_STREAM = (b"content-type", b"text/event-stream; charset=utf-8")
NO_BUFFER = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))
READING_SECONDS = 30.0  # a client has at least this long to take an answer
PARTING_SECONDS = 1.0
FORBIDDEN = (FieldNotAllowed, ModelNotAllowed, NotPermitted)
ENDINGS = {  # error code -> how the ledger says it ended; any other was refused by the gateway itself
    "client_gone": Status.GONE,
    "context_length_exceeded": Status.REJECTED,
    "internal": Status.FAILED,
    "shutting_down": Status.STOPPED,
    "upstream_failed": Status.FAILED,
    "upstream_rejected": Status.REJECTED,
    "upstream_timeout": Status.FAILED,
}


class Edges(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of a request at this surface, and who is told of faults and refusals."""

    body_bytes: int = 32 * 1024 * 1024
    json_depth: int = 64
    max_streams: int = 2048  # requests being answered at the same time
    on_caller: Callable[[str, str], None] | None = None  # (request id, key id): whose request this task now serves
    on_fault: Callable[[str, Exception], None]  # (request id, the fault)
    on_refused: Callable[[GatewayError, str], None]  # (error, who: a key id, or the peer's address)


class Out:
    """The answer to one request. Knows how far it is, so that an error can still be one."""

    __slots__ = ("_send", "finished", "named", "started")

    def __init__(self, send: Send, named: Header) -> None:
        self._send = send
        self.named = named
        self.started = False
        self.finished = False

    # Not coroutines themselves: every event of a stream passes here, and a frame costs each of them.

    def head(self, status: int, headers: list[Header]) -> Awaitable[None]:
        self.started = True
        return self._send({"type": "http.response.start", "status": status, "headers": [self.named, *headers]})

    def piece(self, data: bytes, *, more: bool) -> Awaitable[None]:
        self.finished = not more
        return self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def refuse(self, error: GatewayError) -> None:
        """The error as the whole answer, or as the last event of a stream that has begun."""
        told = render(error)
        if self.finished:
            return
        with contextlib.suppress(ConnectionError):  # nobody is there to be refused
            if self.started:
                await self.piece(b"data: " + told.body + b"\n\n", more=False)
            else:
                await self.head(told.status, told.headers)
                await self.piece(told.body, more=False)


class InferenceRoute:
    """`POST /v1/<kind>`. One of the three supervisors that may catch any exception: a fault ends one request only."""

    def __init__(self, kind: Kind, inference: Inference, live: Live, edges: Edges) -> None:
        self._kind = kind
        self._inference = inference
        self._live = live
        self._edges = edges

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = new_request_id()
        out = Out(send, (REQUEST_ID, request_id.encode()))
        task: asyncio.Task[object] = asyncio.current_task()  # type: ignore[assignment]  # a coroutine runs in one
        case: Settlement | None = None
        running = self._live.add(task)
        try:
            case = self._admit(scope, request_id)
            await self._serve(case, running, scope, receive, out)
        except GatewayError as error:  # of admission: what comes later is told where it is met
            self._edges.on_refused(error, (scope["client"] or ("", 0))[0])
            await out.refuse(error)
        except asyncio.CancelledError:
            if running.reason is not None:
                task.uncancel()  # met: until 3.11.3, a later time-out of this task would read as a cancellation
            if case is not None:
                await _cut(case, running, out)
            if running.reason is None:  # the server's own wish
                raise
        except Exception as fault:  # noqa: BLE001 -- supervisor: whatever it is, it gets its row, its log line and a 500
            self._edges.on_fault(request_id, fault)
            if case is not None:
                await case.close(Status.FAILED, 500, "internal")
            await out.refuse(internal(request_id))
        finally:
            self._live.remove(running)

    def _admit(self, scope: Scope, request_id: RequestId) -> Settlement:
        """Everything that is decided before a byte of the body is read. Raises GatewayError."""
        if self._live.stopping:
            raise ShuttingDown("the gateway is stopping; try again in a moment", retry_after=2)
        who = self._inference.authenticate(bearer(scope["headers"]))
        if len(self._live) > self._edges.max_streams:  # this one is among them
            raise QueueFull("the gateway answers as many requests as it may; try again in a moment", retry_after=1)
        if scope["method"] != "POST":
            raise MethodNotAllowed(f"`{scope['method']}` is not served here; use `POST`", allow=("POST",))
        if self._edges.on_caller is not None:
            self._edges.on_caller(request_id, who.key.id)
        return self._inference.begin(who, self._kind, request_id)

    async def _serve(self, case: Settlement, running: Running, scope: Scope, receive: Receive, out: Out) -> None:
        watch: asyncio.Task[None] | None = None
        try:
            body = decode(await read_body(scope["headers"], receive, self._edges.body_bytes), self._edges.json_depth)
            watch = _watch(scope, receive, running)
            answer = await self._inference.run(case, body)
            running.until = asyncio.get_running_loop().time() + max(READING_SECONDS, case.seconds_left())
            if isinstance(answer, Relay):
                await _stream(case, answer, running, out)
            else:
                head = [JSON, (b"content-length", b"%d" % len(answer.body)), *_told(case)]
                await case.close(Status.OK, 200)
                await out.head(200, head)
                await out.piece(answer.body, more=False)
                running.answered = True
        except GatewayError as error:
            told = render(error)
            ended = ENDINGS.get(told.code, Status.FAILED if case.attempts else Status.REFUSED)
            await case.close(ended, told.status, told.code)
            if isinstance(error, FORBIDDEN):
                self._edges.on_refused(error, case.who.key.id)
            await out.refuse(error)
        except ConnectionError:
            await case.close(Status.GONE, 499, "client_gone")
        finally:
            if watch is not None:
                watch.cancel()


async def _stream(case: Settlement, relay: Relay, running: Running, out: Out) -> None:
    """Bytes out until the stream's own end; the case is settled before the last byte is sent."""
    try:
        data = await relay.next()
        await out.head(200, [EVENT_STREAM, *NO_BUFFER, *_told(case)])
        while data:
            ended = relay.ended
            if ended is not None:
                await case.close(ended, 200, relay.error)
            await out.piece(data, more=ended is None)
            if ended is not None:
                running.answered = True  # a client may hang up on the last byte: the upstream's end is still read
                return
            data = await relay.next()
    except BaseException:
        relay.left()
        raise
    finally:
        await relay.close()


def _watch(scope: Scope, receive: Receive, running: Running) -> asyncio.Task[None] | None:
    """Ends the request when its client leaves: a server's `send` says nothing of it, and the GPU would go on.

    Our own server calls us; behind any other one a task has to wait.
    """
    extension = (scope.get("extensions") or {}).get(GONE)
    if extension is None:
        return asyncio.ensure_future(_gone(receive, running))
    tell: TellWhenGone = extension["tell"]
    tell(partial(running.end, Status.GONE))
    return None


async def _gone(receive: Receive, running: Running) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    running.end(Status.GONE)


async def _cut(case: Settlement, running: Running, out: Out) -> None:
    """The request was ended from outside: by its client, by the gateway's stop, by its deadline."""
    case.asked()
    error: GatewayError
    if running.reason is Status.STOPPED:
        error = ShuttingDown("the gateway is stopping; what came so far is not the whole answer", retry_after=2)
    elif running.reason is Status.FAILED:
        error = UpstreamTimeout("the answer outlived its deadline; what came so far is not the whole answer")
    else:
        await case.close(Status.GONE, 499, "client_gone")
        return
    told = render(error)
    await case.close(running.reason, told.status, told.code)
    with contextlib.suppress(TimeoutError):  # a client that does not read is not waited for
        async with asyncio.timeout(PARTING_SECONDS):
            await out.refuse(error)


def _told(case: Settlement) -> list[Header]:
    """What a client may know of how its answer came about."""
    return [
        (b"x-redoubt-model", case.view.model.encode() if case.view else b""),
        (b"x-redoubt-deployment", case.to.label.encode() if case.to else b""),
        (b"x-redoubt-attempts", b"%d" % case.attempts),
        (b"x-redoubt-overhead-ms", b"%.2f" % case.answered()),
    ]
