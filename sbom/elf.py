"""Which shared libraries an ELF file asks for: the DT_NEEDED words of its dynamic section, and nothing more."""

import struct

MAGIC = b"\x7fELF"
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NEEDED, _DT_STRTAB = 1, 5
_MOST = 1000  # program headers or names; real files have a dozen


class NotElf(ValueError):
    """Bytes that begin like ELF and do not go on like it."""


def needed(data: bytes) -> tuple[str, ...]:
    """Sorted names out of a 64-bit little-endian file (System V ABI, gABI 4.1). Raises NotElf."""
    try:
        return tuple(sorted(_names(data)))
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise NotElf(f"the ELF headers lead nowhere: {error}") from error


def _names(data: bytes) -> set[str]:
    if data[:4] != MAGIC or data[4] != 2 or data[5] != 1:
        raise NotElf("not a 64-bit little-endian ELF file")
    (offset,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    if count > _MOST:
        raise NotElf(f"{count} program headers")
    headers = [struct.unpack_from("<IIQQQQ", data, offset + at * size) for at in range(count)]
    loads = [(virtual, start, length) for kind, _, start, virtual, _, length in headers if kind == _PT_LOAD]
    dynamic = next(((start, length) for kind, _, start, _, _, length in headers if kind == _PT_DYNAMIC), None)
    if dynamic is None:
        return set()
    words = [struct.unpack_from("<QQ", data, dynamic[0] + at) for at in range(0, dynamic[1], 16)]
    table = next((_place(value, loads) for tag, value in words if tag == _DT_STRTAB), None)
    wanted = [value for tag, value in words if tag == _DT_NEEDED]
    if wanted and table is None:
        raise NotElf("it needs libraries and has no table of their names")
    return {_text(data, (table or 0) + value) for value in wanted}


def _place(address: int, loads: list[tuple[int, int, int]]) -> int:
    """An address in memory as a place in the file."""
    for virtual, start, length in loads:
        if virtual <= address < virtual + length:
            return address - virtual + start
    raise NotElf(f"no segment holds the address {address:#x}")


def _text(data: bytes, at: int) -> str:
    end = data.find(b"\0", at, at + 256)
    if end < 0:
        raise NotElf("a library's name has no end")
    return data[at:end].decode("ascii")
