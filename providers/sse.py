"""Server-sent events off the wire, without I/O.

Reads what the WHATWG HTML standard §9.2.6 ("Interpreting an event stream") describes: lines end in LF, CR or CRLF, one
byte-order mark may come first, several `data` lines join with LF, a line that starts with a colon is a comment, one
space after the field's colon is dropped, an event without its closing blank line is discarded. `event`, `id` and
`retry` mean nothing in this dialogue and are read over.

Rules: any split of the stream gives the same items; memory is bounded by `MAX_EVENT`; work is linear in the bytes read.
"""

MAX_LINE = 1 << 20
MAX_EVENT = 4 << 20
_BOM = b"\xef\xbb\xbf"


class SseReader:
    """Each item is the data of one event, or None for one comment line. A half UTF-8 character waits for its rest."""

    __slots__ = ("_data", "_first", "_size", "_skip_lf", "_tail", "fault")

    def __init__(self) -> None:
        self._tail = bytearray()  # a line whose end has not come
        self._data: list[bytes] = []  # `data` lines of an event whose end has not come
        self._size = 0  # bytes in `_data`
        self._first = True  # no line was read yet: a byte-order mark may come
        self._skip_lf = False  # the last line ended in CR: an LF now belongs to it
        self.fault: str | None = None  # what was sent that ends the reading

    def feed(self, data: bytes) -> list[bytes | None]:
        """Items that `data` completes. Past a limit `fault` is set, and the items before it are given once."""
        if self.fault is not None or not data:
            return []
        # The usual read is whole events of one `data` line each: half the cost of the long way.
        idle = not (self._tail or self._data or self._skip_lf)
        if idle and data[-2:] == b"\n\n" and len(data) < MAX_LINE and (items := _plain(data)) is not None:
            self._first = False
            return items
        return self._lines(data)

    def _lines(self, data: bytes) -> list[bytes | None]:
        if self._skip_lf:
            self._skip_lf = False
            if data[:1] == b"\n":
                data = data[1:]
        if b"\r" in data:
            self._skip_lf = data[-1:] == b"\r"
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = data.split(b"\n")
        rest = lines.pop()
        items: list[bytes | None] = []
        for line in lines:
            whole = line
            if self._tail:
                self._tail += line
                whole = bytes(self._tail)
                self._tail.clear()
            if len(whole) > MAX_LINE:
                self.fault = f"a line longer than {MAX_LINE} bytes"
                return items
            self._line(whole, items)
            if self.fault is not None:
                return items
        self._tail += rest
        if len(self._tail) > MAX_LINE:
            self.fault = f"a line longer than {MAX_LINE} bytes"
        return items

    def _line(self, line: bytes, items: list[bytes | None]) -> None:
        if self._first:
            self._first = False
            line = line.removeprefix(_BOM)
        if not line:
            if self._data:
                items.append(b"\n".join(self._data))
                self._data = []
                self._size = 0
            return
        if line[:1] == b":":
            items.append(None)
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            value = value.removeprefix(b" ")
            self._data.append(value)
            self._size += len(value) + 1
            if self._size > MAX_EVENT:
                self.fault = f"an event longer than {MAX_EVENT} bytes"


def _plain(data: bytes) -> list[bytes | None] | None:
    """Items of a read that holds only `data: …` events of one line each; None when it holds anything else."""
    if data[:6] != b"data: " or b"\r" in data:
        return None
    body = data[6:-2]
    if b"\n" not in body:
        return [body]
    events: list[bytes | None] = []
    for event in data[:-2].split(b"\n\n"):
        if event[:6] != b"data: " or b"\n" in event:
            return None
        events.append(event[6:])
    return events
