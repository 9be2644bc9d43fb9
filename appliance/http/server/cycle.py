"""One request and its answer: uvicorn's, but for how the answer is written.

uvicorn looks at each header with two patterns and writes head and body apart: a tenth of a request's time in this
gateway. Here the head is looked at once, whole, and goes out with the first bytes of the body.
"""

from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

TOGETHER = 64 * 1024  # bytes of body that are copied to go out with the head
_LAST: Final = b"0\r\n\r\n"
_TOKEN: Final = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"  # RFC 9110 §5.6.2
_VALUE: Final = bytes({0x09, *range(0x20, 0x7F), *range(0x80, 0x100)})  # RFC 9110 §5.5
_BODILESS: Final = frozenset({204, 304})


class Cycle(RequestResponseCycle):
    """Raises RuntimeError, as uvicorn does, for an answer that is none: an app's fault, never a client's."""

    _head = b""  # written with the first bytes of the body
    _unframed = False  # the end of the connection ends the body
    _taken = False  # the app has been given the end of the body

    async def receive(self) -> Any:
        over = self._taken or self.disconnected or self.response_complete
        if over or self.more_body or self.waiting_for_100_continue:
            return await super().receive()
        # The usual request is all here when its app first asks: without waiting for an event that is set.
        self._taken = True
        self.message_event.clear()
        body, self.body = bytes(self.body), bytearray()
        if self.flow.read_paused:
            self.flow.resume_reading()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if self.response_complete:
            raise RuntimeError(f"`{message['type']}` was sent after the end of the answer")
        if not self.response_started:
            self._start(message)
        elif message["type"] != "http.response.body":
            raise RuntimeError(f"`{message['type']}` was sent where the body belongs")
        else:
            self._piece(message.get("body", b""), more=message.get("more_body", False))

    def _start(self, message: Any) -> None:
        if message["type"] != "http.response.start":
            raise RuntimeError(f"`{message['type']}` was sent where the answer begins")
        self.response_started = True
        self.waiting_for_100_continue = False
        status: int = message["status"]
        lines = [STATUS_LINE[status]]
        names = []
        closes = False
        for cased, value in message.get("headers", ()):
            name = cased.lower()
            if name == b"content-length":
                self.expected_content_length = int(value)
                self.chunked_encoding = False
            elif name == b"transfer-encoding":
                raise RuntimeError("how an answer is framed is for the server to say")
            elif name == b"connection" and b"close" in value.lower():
                self.keep_alive = False
                closes = True
            names.append(name)
            lines.append(b"%b: %b\r\n" % (name, value))
        if not (self.keep_alive or closes):
            lines.append(b"connection: close\r\n")
        if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in _BODILESS:
            if self.scope["http_version"] == "1.0":  # knows no chunks, and is never kept alive (RFC 9112 §6.1)
                self._unframed = True
            else:
                self.chunked_encoding = True
                lines.append(b"transfer-encoding: chunked\r\n")
        head = b"".join(lines)
        # A value with a line break in it would be a header more, or an answer more.
        if b"".join(names).translate(None, _TOKEN) or head.translate(None, _VALUE) != b"\r\n" * len(lines):
            raise RuntimeError("a header of the answer has a character that cannot be sent")
        self._head = head + b"\r\n"

    def _piece(self, body: bytes, *, more: bool) -> None:
        if not self._unframed:
            body = self._framed(body, more=more)
        head = self._head
        if head:
            self._head = b""
            if len(body) <= TOGETHER:
                body = head + body
            else:
                self.transport.write(head)
        if body:
            self.transport.write(body)
        if not more:
            self._end()

    def _framed(self, body: bytes, *, more: bool) -> bytes:
        if self.scope["method"] == "HEAD":
            self.expected_content_length = 0
            return b""
        if self.chunked_encoding:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return chunk if more else chunk + _LAST
        self.expected_content_length -= len(body)
        if self.expected_content_length < 0:
            raise RuntimeError("the body is longer than its content-length")
        return body

    def _end(self) -> None:
        if self.expected_content_length:
            raise RuntimeError("the body is shorter than its content-length")
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
