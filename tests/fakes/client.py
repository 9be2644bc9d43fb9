"""A client at the other end of ASGI: strict about the protocol, able to leave, stall and reset."""

import asyncio
import json
from collections.abc import MutableMapping, Sequence
from typing import Any, cast

from litestar.types import HTTPScope, Message

from tests.fakes.gate import Gate

Sent = MutableMapping[str, Any]


class FakeClient:
    """Sends one request, keeps every byte of its answer. As servers do, it reports a disconnect after the last one."""

    def __init__(
        self,
        pieces: Sequence[bytes | Gate],
        *,
        headers: Sequence[tuple[bytes, bytes]] = (),
        method: str = "POST",
        path: str = "/v1/chat/completions",
    ) -> None:
        self._pieces = list(pieces) or [b""]
        self._headers = list(headers)
        self._method = method
        self._path = path
        self._over = asyncio.Event()  # the client left, or the answer is complete
        self._sent: list[Sent] = []
        self.left = False
        self.complete = False
        self.resets = False  # `send` raises ConnectionError
        self.stalls: Gate | None = None  # `send` of a body that holds `stalls_on` waits here
        self.stalls_on = b""
        self._came = asyncio.Condition()

    @property
    def scope(self) -> HTTPScope:
        scope = {
            "type": "http",
            "method": self._method,
            "path": self._path,
            "headers": self._headers,
            "client": ("203.0.113.9", 50000),
        }
        return cast("HTTPScope", scope)

    async def receive(self) -> Any:
        while self._pieces and not self._over.is_set():
            piece = self._pieces.pop(0)
            if isinstance(piece, Gate):
                await _either(piece.wait(), self._over.wait())
                continue
            return {"type": "http.request", "body": piece, "more_body": bool(self._pieces)}
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        sent = cast("Sent", message)
        if self.resets:
            raise ConnectionResetError("the client reset the connection")
        assert not self.complete, f"{sent['type']} after the answer was complete"
        starts = sent["type"] == "http.response.start"
        assert starts is (not self._sent), f"{sent['type']} out of turn"
        if self.stalls is not None and not starts and self.stalls_on in sent["body"]:
            await self.stalls.wait()
        self._sent.append(sent)
        if not starts and not sent.get("more_body"):
            self.complete = True
            self._over.set()
        async with self._came:
            self._came.notify_all()

    def leave(self) -> None:
        self.left = True
        self._over.set()

    async def said(self, text: bytes) -> None:
        """Until the answer so far holds `text`."""
        async with asyncio.timeout(30), self._came:
            await self._came.wait_for(lambda: text in self.body)

    @property
    def started(self) -> bool:
        return bool(self._sent)

    @property
    def status(self) -> int:
        return cast("int", self._sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        told = cast("list[tuple[bytes, bytes]]", self._sent[0]["headers"])
        names = [name for name, _ in told]
        assert len(set(names)) == len(names), "a header twice"
        return {name.decode(): value.decode() for name, value in told}

    @property
    def body(self) -> bytes:
        return b"".join(cast("bytes", sent["body"]) for sent in self._sent[1:])

    @property
    def json(self) -> Any:
        assert self.complete
        assert self.headers["content-length"] == str(len(self.body))
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        told = self.json
        assert list(told) == ["error"]
        assert set(told["error"]) == {"message", "type", "param", "code"}
        return cast("dict[str, Any]", told["error"])

    @property
    def events(self) -> list[Any]:
        """Data of every event: objects, or `[DONE]`. Comments are left out."""
        lines = [line for line in self.body.decode().split("\n\n") if line and not line.startswith(":")]
        assert all(line.startswith("data: ") for line in lines)
        told = [line.removeprefix("data: ") for line in lines]
        return [line if line == "[DONE]" else json.loads(line) for line in told]

    @property
    def text(self) -> str:
        """What choice 0 said in a stream."""
        choices = [choice for event in self.events if event != "[DONE]" for choice in event.get("choices", ())]
        return "".join(choice["delta"].get("content") or "" for choice in choices if choice["index"] == 0)


async def _either(*waits: Any) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
