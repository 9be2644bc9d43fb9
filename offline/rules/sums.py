"""SHA256SUMS: what a bundle is, and every file of it. The one thing that is signed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from offline.rules.moments import read_moment, write_moment
from offline.rules.names import check_path, shown
from offline.rules.refusal import Fault, Refused

LARGEST = 4 * 1024 * 1024  # bytes; a bundle of ten thousand files takes one
PRODUCT = "redoubt"
CHANNELS = ("app", "advisories", "models", "config", "overlay")
_HEADER = re.compile(
    r"# redoubt-bundle v1 product=(?P<product>[a-z0-9-]{1,32}) channel=(?P<channel>[a-z]{1,16})"
    r" version=(?P<version>[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}) arch=(?P<arch>[a-z0-9_]{1,16})"
    r" seq=(?P<seq>0|[1-9][0-9]{0,9}) created=(?P<created>\S{20}) expires=(?P<expires>\S{20})"
    r" min_from=(?P<min_from>0|[1-9][0-9]{0,9})"
)
_ENTRY = re.compile(r"(?P<sha256>[0-9a-f]{64})  (?P<path>.+)")


@dataclass(frozen=True, kw_only=True)
class Header:
    """The first line: what was signed."""

    product: str = PRODUCT
    channel: str
    version: str
    arch: str  # `any` where it does not matter
    seq: int  # grows by channel
    created: datetime
    expires: datetime
    min_from: int = 0  # lowest installed seq that may go to this one directly

    def __str__(self) -> str:
        return (
            f"# redoubt-bundle v1 product={self.product} channel={self.channel} version={self.version}"
            f" arch={self.arch} seq={self.seq} created={write_moment(self.created)}"
            f" expires={write_moment(self.expires)} min_from={self.min_from}"
        )


@dataclass(frozen=True)
class Sums:
    """A whole SHA256SUMS."""

    header: Header
    files: Mapping[str, str]  # path -> sha256, in the order of the file


def read_header(line: str) -> Header:
    """Raises Refused for anything that is not exactly one header."""
    found = _HEADER.fullmatch(line)
    if found is None:
        raise Refused(Fault.HEADER, f"the first line of SHA256SUMS is no header of a bundle: `{shown(line)}`")
    header = Header(
        product=found["product"],
        channel=found["channel"],
        version=found["version"],
        arch=found["arch"],
        seq=int(found["seq"]),
        created=read_moment(found["created"]),
        expires=read_moment(found["expires"]),
        min_from=int(found["min_from"]),
    )
    if header.channel not in CHANNELS:
        raise Refused(Fault.CHANNEL, f"`{header.channel}` is no channel; there are {', '.join(CHANNELS)}")
    if header.expires <= header.created:
        raise Refused(Fault.HEADER, "the bundle expires before it was created")
    return header


def read_sums(content: bytes) -> Sums:
    """Raises Refused for everything that `write_sums` would not have written."""
    if len(content) > LARGEST:
        raise Refused(Fault.SIZE, f"SHA256SUMS has {len(content)} bytes, more than {LARGEST}")
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        raise Refused(Fault.FORMAT, "SHA256SUMS is not plain ASCII") from None
    if "\r" in text or not text.endswith("\n"):
        raise Refused(Fault.FORMAT, "SHA256SUMS does not end its lines with a newline alone")
    first, *rest = text[:-1].split("\n")
    files: dict[str, str] = {}
    last = ""
    for number, line in enumerate(rest, 2):
        entry = _ENTRY.fullmatch(line)
        if entry is None:
            raise Refused(Fault.FORMAT, f"SHA256SUMS, line {number}: expected `<64 hex>  <path>`")
        path = check_path(entry["path"])
        if path <= last:
            raise Refused(Fault.FORMAT, f"SHA256SUMS, line {number}: `{path}` is doubled or out of order")
        files[path] = entry["sha256"]
        last = path
    if not files:
        raise Refused(Fault.FORMAT, "SHA256SUMS lists no file")
    return Sums(read_header(first), files)


def write_sums(header: Header, files: Mapping[str, str]) -> bytes:
    """The bytes that are signed. `files`: path -> sha256."""
    lines = [str(header), *(f"{files[path]}  {check_path(path)}" for path in sorted(files))]
    content = "".join(f"{line}\n" for line in lines).encode("ascii")
    read_sums(content)
    return content
