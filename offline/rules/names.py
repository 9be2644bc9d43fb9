"""Names: of paths inside a bundle, of signers, and of the few files that SHA256SUMS does not list."""

import re
from typing import NamedTuple

from offline.rules.refusal import Fault, Refused

SUMS = "SHA256SUMS"
LONGEST_PATH = 200  # bytes
LONGEST_SIGNATURE = 256 * 1024  # bytes; the largest of them, a DSSE envelope that names every wheel, takes a third
ALGORITHMS = ("ed25519", "p384")

_SEGMENT = re.compile(r"[A-Za-z0-9_+][A-Za-z0-9._+-]*")
_ID = r"[a-z0-9][a-z0-9-]{0,31}"
_BESIDE = re.compile(
    rf"(?:SHA256SUMS\.(?P<signer>{_ID})\.(?P<form>ed25519\.sig|p384\.sig|minisig|dsse\.json)"
    rf"|APPROVAL\.(?P<reviewer>{_ID})\.(?P<algorithm>ed25519|p384)\.sig)"
)


class Beside(NamedTuple):
    """A file that may lie beside SHA256SUMS without being listed in it."""

    id: str
    form: str  # `ed25519`, `p384`, `minisig` or `dsse`
    approval: bool


def is_id(text: str) -> bool:
    return re.fullmatch(_ID, text) is not None


def check_path(path: str) -> str:
    """The path itself. Raises Refused unless it is one that every file system and every shell takes literally."""
    if len(path) > LONGEST_PATH or not all(_SEGMENT.fullmatch(one) for one in path.split("/")):
        raise Refused(Fault.NAME, f"`{shown(path)}` is not a path that a bundle may hold")
    return path


def beside(name: str) -> Beside | None:
    """What kind of unlisted file a name at the top of a bundle is; None for every other name."""
    found = _BESIDE.fullmatch(name)
    if found is None:
        return None
    if found["reviewer"]:
        return Beside(found["reviewer"], found["algorithm"], approval=True)
    return Beside(found["signer"], found["form"].removesuffix(".sig").removesuffix(".json"), approval=False)


def shown(text: str) -> str:
    """A foreign name, fit for a terminal and a log."""
    return "".join(one if one.isascii() and one.isprintable() else "?" for one in text)[:120]
