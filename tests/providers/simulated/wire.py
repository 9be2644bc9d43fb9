"""A client that sees bytes: chunks as they were sent, and how a connection ended."""

import asyncio
import json
from typing import Any, Self

import msgspec

from providers.simulated import Simulated

HELLO = [{"role": "user", "content": "hello"}]
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["c", "f"]}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}
TIMEOUT_S = 20.0  # a ceiling for a machine that is busy; nothing here waits for it


class Heard(msgspec.Struct, kw_only=True):
    """What came back. `ending`: complete | reset | closed."""

    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""
    chunks: list[bytes] = []  # of a chunked body, as they were sent
    ending: str = "complete"

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def data(self) -> list[str]:
        """Payloads of plain `data: ` events."""
        return [event.removeprefix("data: ") for event in self.text.split("\n\n") if event.startswith("data: ")]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The decoded payloads but for [DONE]."""
        return [json.loads(data) for data in self.data if data != "[DONE]"]

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The decoded lines of an NDJSON stream."""
        return [json.loads(line) for line in self.text.split("\n") if line]

    @property
    def content(self) -> str:
        """The text of the first choice of a chat stream."""
        deltas = [event["choices"][0]["delta"] for event in self.events if event.get("choices")]
        return "".join(delta.get("content") or "" for delta in deltas)


class Talk:
    """One connection."""

    def __init__(self, server: Simulated) -> None:
        self._server = server

    async def __aenter__(self) -> Self:
        self.reader, self._writer = await asyncio.open_connection(self._server.host, self._server.port, limit=4_000_000)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Close at once, whatever is still coming."""
        self._writer.transport.abort()

    def say(self, path: str, body: object = None, headers: dict[str, str] | None = None, method: str = "POST") -> None:
        """Send a request."""
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        own = {"host": f"{self._server.host}:{self._server.port}", "content-type": "application/json"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**own, **(headers or {})}.items())
        head = f"{method} {path} HTTP/1.1\r\n{lines}content-length: {len(raw)}\r\n\r\n"
        self._writer.write(head.encode() + raw)

    async def head(self) -> Heard:
        """The status and headers."""
        raw = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), TIMEOUT_S)
        first, *lines = raw.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines if line)
        return Heard(status=int(first.split()[1]), headers=headers)

    async def until(self, mark: bytes, times: int = 1) -> bytes:
        """Bytes up to the n-th mark."""
        read = [await asyncio.wait_for(self.reader.readuntil(mark), TIMEOUT_S) for _ in range(times)]
        return b"".join(read)

    async def silent(self, seconds: float = 0.1) -> bool:
        """Does nothing come for so long? True is what a stall promises, however slow this machine is."""
        try:
            return not await asyncio.wait_for(self.reader.read(1), seconds)
        except TimeoutError:
            return True

    async def hear(self) -> Heard:
        """A whole answer, or what there is of it."""
        heard = Heard()
        try:
            heard = await self.head()
            while heard.status < 200:
                heard = await self.head()
            await self._body(heard)
        except ConnectionResetError:
            heard.ending = "reset"
        except asyncio.IncompleteReadError as error:
            heard.body += error.partial
            heard.ending = "closed"
        return heard

    async def _body(self, heard: Heard) -> None:
        if heard.headers.get("transfer-encoding") == "chunked":
            while size := int(await asyncio.wait_for(self.reader.readuntil(b"\r\n"), TIMEOUT_S), 16):
                chunk = await asyncio.wait_for(self.reader.readexactly(size + 2), TIMEOUT_S)
                heard.chunks.append(chunk[:-2])
                heard.body += chunk[:-2]
            await self.reader.readexactly(2)
        elif "content-length" in heard.headers:
            length = int(heard.headers["content-length"])
            heard.body = await asyncio.wait_for(self.reader.readexactly(length), TIMEOUT_S)
        else:
            heard.body = await asyncio.wait_for(self.reader.read(), TIMEOUT_S)
            heard.ending = "closed"


async def ask(
    server: Simulated, path: str, body: object = None, headers: dict[str, str] | None = None, method: str = "POST"
) -> Heard:
    """One request on a connection of its own."""
    async with Talk(server) as talk:
        talk.say(path, body, headers, method)
        return await talk.hear()


async def get(server: Simulated, path: str, headers: dict[str, str] | None = None) -> Heard:
    return await ask(server, path, None, headers, "GET")


async def chat(server: Simulated, **fields: object) -> Heard:
    """An OpenAI chat."""
    return await ask(server, "/v1/chat/completions", {"model": server.settings.models[0], "messages": HELLO, **fields})


async def stream(server: Simulated, **fields: object) -> Heard:
    """A streamed OpenAI chat."""
    return await chat(server, stream=True, **fields)
