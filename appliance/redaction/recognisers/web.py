"""E-mail addresses, URLs and host names. Linear: one pattern that reads a whole name, and a look-up of its last
label.

An e-mail address may end in any label, so internal names are found whatever they are called; what is left out are
unit names (`user@1000.service`) and remotes (`git@host:path`). A bare host name needs a top-level domain that no
programming language uses as a file ending, method or attribute (from the IANA root zone, chosen by hand), one of the
site's internal suffixes, or a path behind it.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from appliance.domain.privacy import Entity, Finding
from appliance.redaction.recognisers import gates
from appliance.redaction.recognisers.recogniser import Context, compiled, word

EMAIL_ADDRESS: Final = Entity("EMAIL_ADDRESS")
URL: Final = Entity("URL")
DOMAIN_NAME: Final = Entity("DOMAIN_NAME")
LETTERS: Final = r"A-Za-z0-9\xc0-\xd6\xd8-\xf6\xf8-\xff"
LABEL: Final = rf"[{LETTERS}](?:[{LETTERS}_\-]*[{LETTERS}])?"
UNITS: Final = frozenset({"service", "socket", "timer", "target", "mount", "swap", "slice", "scope", "path", "device"})
NEVER_FIRST: Final = frozenset(
    {"self", "this", "log", "logger", "logging", "console", "cls", "args", "app", "req", "res"}
)
GENERIC: Final = (
    "com org net edu gov mil biz info museum coop gmbh ltd berlin hamburg wien paris london eu example invalid cloud "
)
COUNTRIES: Final = (
    "af ar au ba bb bd bg bh bn bo br bs bt bw by ca ch cm cn cr cu cy cz de dk dz ec ee eg fi fj fr ga gh gr hk "
    "hn hr ht hu ie il iq ir je jm jo jp ke kg kh kr kw kz lb lk lu lv ly mc mg mn mt mu mv mw mx mz ng ni nl nz om "
    "pe ph pk pt ro ru rw sa se sg si sn sz th tj tn tr tw tz ua ug uk uy uz ve vn yt za zm zw"
)
# Also endings of files, methods, attributes: `configure.ac`, `user.email`, `numpy.ma`, `expect(x).to.be`.
DOUBTFUL: Final = (
    "ac ad ae ag ai al am app as asia at ax az be bf bi blog cat cc ci cl club co company consulting cv dev "
    "digital do email es et events expert finance foundation ge gg global group gt health house id im immo in "
    "info int io is it jobs la law le legal li life live lt ma md me media mk ml mm mo mobi ms my na name ne "
    "network news no nom np nu one online pa page partners photography pl post pro ps pub pw py qa re restaurant "
    "rs sc school services sh shop site sk sm so social software solutions st store studio su support sv systems "
    "team tech tel test tf tg tips tk tl tm to today tools top tv university us va vc vi vip website wiki work "
    "world ws xyz zone "
)
WORDS: Final = r"website|webpage|web site|domain|domains|webseite|homepage|site web|sitio web"


class Emails:
    """`name@host.label`, with letters of Latin scripts on both sides; `name@suffix` for the suffixes of the site."""

    entities = (EMAIL_ADDRESS,)
    gate = gates.AT

    def __init__(self, suffixes: Sequence[str]) -> None:
        self._suffixes = frozenset(one.lower().strip(".") for one in suffixes)
        self._pattern = compiled(rf"([{LETTERS}_.%+'~!#$*?^|=/&\-]+)@(?:((?:{LABEL}\.)*{LABEL})|\[[0-9A-Fa-f.:]+\])")

    def scan(self, plain: bytes) -> Iterator[Finding]:
        for match in self._pattern.finditer(plain):
            start, end = self._local(plain, *match.span(1)), match.end()
            if start is None:
                continue
            host = match.span(2)
            if host[0] >= 0 and not self._host(
                plain[host[0] : host[1]].decode("latin-1").lower(), plain, end, plain[start : host[0] - 1]
            ):
                continue
            yield Finding(start, end, EMAIL_ADDRESS, 1.0)

    @staticmethod
    def _local(plain: bytes, start: int, end: int) -> int | None:
        """Where the local part begins: behind what only leads to it, as `to=`, `"` or a path."""
        for mark in b"=/&|?#$*^!":
            start = max(start, plain.rfind(bytes([mark]), start, end) + 1)
        while start < end and plain[start] in b".%+'~-":
            start += 1
        return start if start < end and plain[end - 1] not in b"." else None

    def _host(self, host: str, plain: bytes, end: int, local: bytes) -> bool:
        last = host.rpartition(".")[2]
        if local == b"git" and plain[end : end + 1] in {b":", b"/"}:
            return False
        if host in self._suffixes:
            return True
        return "." in host and (last.isalpha() or last.startswith("xn--")) and len(last) > 1 and last not in UNITS


class Urls:
    """`scheme://…`, with everything up to a space, a quotation mark or a bracket that was not opened inside."""

    entities = (URL,)
    gate = gates.SCHEME

    def __init__(self) -> None:
        self._pattern = compiled(r"\b[A-Za-z][A-Za-z0-9+.\-]{1,20}://[^\s<>\x22`{}|\\^\x00-\x1f]+")
        self._loopback = compiled(
            r"(?i)^(?:[a-z][a-z0-9+.\-]*://)(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?:[:/][^@]*)?$|^file:///"
        )

    def scan(self, plain: bytes) -> Iterator[Finding]:
        for match in self._pattern.finditer(plain):
            start, end = match.start(), trimmed(plain, match.start(), match.end())
            if end - start > 8 and not self._loopback.search(plain[start:end]):
                yield Finding(start, end, URL, 0.9)


def trimmed(plain: bytes, start: int, end: int) -> int:
    """Where an address ends, without the sentence's punctuation and the bracket it may stand in."""
    opened = plain.count(b"(", start, end) - plain.count(b")", start, end)
    while end > start:
        last = plain[end - 1]
        if last == 0x29 and opened < 0:
            opened += 1
        elif last not in b".,;:!?'*]_":
            break
        end -= 1
    return end


class Hosts:
    """Names of hosts without a scheme, and what may follow them: `www.example.org/a`, `wiki.corp`."""

    gate = rf"[{LETTERS}]\.[A-Za-z]"

    def __init__(self, entity: Entity, suffixes: Sequence[str]) -> None:
        self.entities = (entity,)
        self._suffixes = frozenset(one.lower().strip(".") for one in suffixes)
        self._plain = frozenset([*GENERIC.split(), *COUNTRIES.split()])
        self._doubtful = frozenset(DOUBTFUL.split())
        self._pattern = compiled(
            rf"(?:[{LETTERS}_](?:[{LETTERS}_\-]*)\.)+([A-Za-z][A-Za-z0-9\-]*)(?::[0-9]{{1,5}})?"
            rf"(/[^\s<>\x22`{{}}|\\^\x00-\x1f]*)?"
        )
        self._context = Context(WORDS)

    def scan(self, plain: bytes) -> Iterator[Finding]:
        for match in self._pattern.finditer(plain):
            start, end = match.start(), trimmed(plain, match.start(), match.end())
            if self._beside(plain, start, end):
                continue
            path = match.end(2) - match.start(2) > 1
            host = plain[start : match.end(1)].decode("latin-1")
            if score := self._score(host, plain[slice(*match.span(1))].decode("latin-1"), path=path):
                yield Finding(
                    start,
                    end,
                    self.entities[0],
                    score if score > 0.4 or not self._context.near(plain, start, end) else 0.6,
                )

    @staticmethod
    def _beside(plain: bytes, start: int, end: int) -> bool:
        """Whether it is part of something else: an e-mail address, a path, a URL, a call."""
        before = plain[start - 1 : start]
        after = plain[end : end + 1]
        if before and (before in b"@/\\.-:$#&=" or word(before[0])):
            return True
        if plain[end : end + 8] == b" import ":
            return True
        return after != b"" and (after in b"@([={\\" or word(after[0]))

    def _score(self, host: str, last: str, *, path: bool) -> float:
        """0 where it is none; below the threshold where only a word nearby can tell."""
        labels = host.lower().split(".")
        if labels[-1] in self._suffixes:
            return 0.7
        www = labels[0] == "www" and len(labels) > 2
        if www and len(labels[-1]) > 1:
            return 0.8
        upper = host.isupper() and last in {"COM", "ORG"}
        if labels[0] in NEVER_FIRST or not (last.islower() or upper) or "_" in host:
            return 0
        if labels[-1] in self._plain:
            return 0.6
        if labels[-1] in self._doubtful:
            return 0.5 if path else 0.3
        return 0
