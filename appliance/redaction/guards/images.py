"""Images that a viewer fetches by itself: the way a text is made to carry data out."""

import html
import re
from typing import Final

from appliance.redaction.guards import Check
from appliance.redaction.leaf import Leaf

LONGEST_ALT: Final = 500  # characters between `![` and `](`
WINDOW: Final = 4096  # of a stream, looked at again with each piece
_INLINE: Final = re.compile(r"\]\(\s*<?([^\s)>]{1,2000})")
_DEFINED: Final = re.compile(r"^[ \t]{0,3}\[[^\]\n]{1,200}\]:[ \t]{0,8}<?([^\s>]{1,2000})", re.MULTILINE)
_ELEMENT: Final = re.compile(
    r"<(?:img|image|source|video|audio|iframe|embed|object|input|link)\b[^<>]{0,2000}?"
    r"\b(?:src|srcset|href|poster|data)\s{0,8}=\s{0,8}[\"']?\s{0,8}([^\s\"'<>]{1,2000})",
    re.IGNORECASE,
)
_IGNORED: Final = re.compile(r"[\x00-\x20\x7f]")  # a browser's URL parser skips them
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_LOCAL: Final = frozenset({"attachment", "blob", "cid", "data"})
_WEB: Final = frozenset({"http", "https"})


def foreign_image(hosts: frozenset[str]) -> Check:
    """A check for images from elsewhere than `hosts`: names in lower case, `.example.org` for all below it."""

    def check(leaf: Leaf) -> bool:
        return fetches_foreign(leaf.text, hosts)

    return check


def fetches_foreign(text: str, hosts: frozenset[str]) -> bool:
    """Whether a viewer of this Markdown or HTML would ask a host that is not in `hosts` for an image."""
    if "![" in text:
        for found in _INLINE.finditer(text):
            if text.rfind("![", max(0, found.start() - LONGEST_ALT), found.start()) >= 0 and _foreign(found[1], hosts):
                return True
        if "]:" in text and any(_foreign(found[1], hosts) for found in _DEFINED.finditer(text)):
            return True
    return "<" in text and any(_foreign(found[1], hosts) for found in _ELEMENT.finditer(text))


class ImageWatch:
    """The same of a text that comes in pieces. An image is seen before the piece that completes it is passed on."""

    __slots__ = ("_hosts", "_tail")

    def __init__(self, hosts: frozenset[str]) -> None:
        self._hosts = hosts
        self._tail = ""

    def feed(self, text: str) -> bool:
        """True when the text so far would fetch a foreign image."""
        seen = self._tail + text
        if "![" not in seen and "<" not in seen:
            self._tail = seen[-1:]  # half of `![`
            return False
        self._tail = seen[-WINDOW:]
        return fetches_foreign(seen, self._hosts)


def _foreign(url: str, hosts: frozenset[str]) -> bool:
    url = _IGNORED.sub("", html.unescape(url)).replace("\\", "/")
    scheme = _SCHEME.match(url)
    if scheme is not None:
        name = scheme[1].lower()
        if name not in _WEB:
            return name not in _LOCAL
        url = "//" + url[scheme.end() :].lstrip("/")  # browsers read `https:host` so
    if not url.startswith("//"):
        return False  # the viewer's own host
    return not _listed(re.split(r"[/?#]", url.lstrip("/"), maxsplit=1)[0], hosts)


def _listed(authority: str, hosts: frozenset[str]) -> bool:
    host = re.sub(r":\d*$", "", authority.rpartition("@")[2]).lower().rstrip(".")
    if host in hosts:
        return True
    return any("." + host.split(".", cut)[-1] in hosts for cut in range(1, host.count(".") + 1))
