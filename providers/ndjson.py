"""Newline-delimited JSON off the wire, without I/O: one value a line, as Ollama streams it.

Lines end in LF; a CR before it, blank lines and one byte-order mark at the start are read over. A last line without its
LF counts when the body ended cleanly (`end`). Any split gives the same lines; memory is bounded by `MAX_LINE`.
"""

MAX_LINE = 1 << 20


class NdjsonReader:
    """Each item is one line, undecoded: a half UTF-8 character waits for its rest."""

    __slots__ = ("_first", "_tail", "fault")

    def __init__(self) -> None:
        self._tail = bytearray()  # a line whose end has not come
        self._first = True
        self.fault: str | None = None  # what was sent that ends the reading

    def feed(self, data: bytes) -> list[bytes]:
        """Lines that `data` completes. Past the limit `fault` is set, and the lines before it are given once."""
        if self.fault is not None or not data:
            return []
        lines = data.split(b"\n")
        rest = lines.pop()
        items: list[bytes] = []
        for line in lines:
            whole = line
            if self._tail:
                self._tail += line
                whole = bytes(self._tail)
                self._tail.clear()
            if len(whole) > MAX_LINE:
                break
            self._add(whole, items)
        else:
            self._tail += rest
            if len(self._tail) <= MAX_LINE:
                return items
        self.fault = f"a line longer than {MAX_LINE} bytes"
        return items

    def end(self) -> list[bytes]:
        """The body ended cleanly: a last line without LF, if there is one."""
        items: list[bytes] = []
        if self.fault is None:
            self._add(bytes(self._tail), items)
            self._tail.clear()
        return items

    def _add(self, line: bytes, items: list[bytes]) -> None:
        if self._first:
            self._first = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line := line.strip(b" \t\r"):
            items.append(line)
