"""The events of a streamed answer and how they are written down: SSE or NDJSON."""

import json
from enum import Enum, auto
from typing import NamedTuple, Protocol

from providers.simulated.faults import Fault, Hits


class Kind(Enum):
    """What an event is to the stream: faults are placed by kind, and only TOKEN and FINISH wait for the model."""

    ROLE = auto()  # opens a choice
    TOKEN = auto()
    FINISH = auto()  # carries the finish reason, perhaps with the last token; Ollama's `done:true` line
    USAGE = auto()
    DONE = auto()  # [DONE]
    ERROR = auto()
    OTHER = auto()  # frames of other protocols: never dropped, never waited for


class Event(NamedTuple):
    """One event: its kind, its payload (no line break in it) and, for named SSE events, its name."""

    kind: Kind
    data: bytes
    name: bytes = b""


DONE = Event(Kind.DONE, b"[DONE]")


def error(body: object) -> Event:
    """An error event as servers in Python write it: with spaces after colons and commas."""
    return Event(Kind.ERROR, json.dumps(body, ensure_ascii=False).encode())


class Framing(Protocol):
    """How events become bytes."""

    content_type: str

    def write(self, event: Event) -> bytes:
        """The bytes of one event."""

    def comment(self) -> bytes:
        """Bytes that mean nothing and keep a connection alive."""


class Sse:
    """Server-sent events, as the WHATWG HTML standard describes them (§9.2)."""

    def __init__(
        self,
        *,
        content_type: str = "text/event-stream; charset=utf-8",
        space: bool = True,
        comment: bytes = b"keep-alive",
    ) -> None:
        self.content_type = content_type
        self._field = b"data: " if space else b"data:"
        self._comment = b": " + comment if comment else b":"

    def write(self, event: Event) -> bytes:
        if event.name:
            return b"event: %s\n%s%s\n\n" % (event.name, self._field, event.data)
        return b"%s%s\n\n" % (self._field, event.data)

    def comment(self) -> bytes:
        return self._comment + b"\n\n"


class Ndjson:
    """One JSON text per line, ended by a line feed."""

    content_type = "application/x-ndjson"

    def write(self, event: Event) -> bytes:
        return event.data + b"\n"

    def comment(self) -> bytes:
        return b"\n"


def respelled(framing: Framing, hits: Hits) -> Framing:
    """The same framing with the faults of spelling on; lines of NDJSON know only two of them."""
    spellings = _SPELLINGS if isinstance(framing, Sse) else _SPELLINGS_OF_LINES
    return Respelled(framing, hits) if hits.faults & spellings else framing


_SPELLINGS = frozenset(
    {
        Fault.CRLF,
        Fault.BARE_CR,
        Fault.BOM,
        Fault.MULTI_LINE_DATA,
        Fault.NO_SPACE,
        Fault.EVENT_FIELDS,
    }
)
_SPELLINGS_OF_LINES = frozenset({Fault.CRLF, Fault.BOM})


class Respelled:
    """Writes what another framing writes, spelled as other servers may."""

    def __init__(self, inner: Framing, hits: Hits) -> None:
        self.content_type = inner.content_type
        self._inner = inner
        self._hits = hits
        self._opened = False
        self._number = 0

    def write(self, event: Event) -> bytes:
        data = event.data
        if Fault.MULTI_LINE_DATA in self._hits and event.kind is not Kind.DONE:
            # White space between JSON tokens is free, so a pretty-printed event is the same event on many lines.
            data = json.dumps(json.loads(data), ensure_ascii=False, indent=0).encode().replace(b"\n", b"\ndata: ")
        text = self._inner.write(event._replace(data=data))
        if Fault.NO_SPACE in self._hits:
            text = text.replace(b"data: ", b"data:")
        if Fault.EVENT_FIELDS in self._hits:
            self._number += 1
            text = b"event: message\nid: %d\nretry: 1000\nunknown: field\n" % self._number + text
        return self._ended(text)

    def comment(self) -> bytes:
        return self._ended(self._inner.comment())

    def _ended(self, text: bytes) -> bytes:
        if Fault.CRLF in self._hits:
            text = text.replace(b"\n", b"\r\n")
        elif Fault.BARE_CR in self._hits:
            text = text.replace(b"\n", b"\r")
        if Fault.BOM in self._hits and not self._opened:
            text = b"\xef\xbb\xbf" + text
        self._opened = True
        return text
