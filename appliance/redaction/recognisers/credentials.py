"""Secrets that only their name or their randomness gives away: `password=`, and random strings in quotation marks or
assignments.
"""

import math
from collections.abc import Iterator
from typing import Final

from appliance.domain.privacy import Entity, Finding
from appliance.redaction.recognisers.recogniser import compiled, word

SECRET: Final = Entity("SECRET")
NAMES: Final = (
    r"pass(?:word|wd|phrase|code)?|pwd|passwort|kennwort|mot de passe|contrase\xf1a|wachtwoord|"
    r"secret(?:[_-]?(?:key|access[_-]?key))?|"
    r"api[_-]?(?:key|secret|token)|access[_-]?(?:key|token)|auth[_-]?(?:key|token)|client[_-]?secret|"
    r"private[_-]?key|signing[_-]?key|encryption[_-]?key|"
    r"refresh[_-]?token|session[_-]?token|bearer[_-]?token|token|credentials?|db[_-]?pass(?:word)?|pin[_-]?code"
)
MENTION: Final = r"(?i)pass|pwd|kennwort|contrase|wachtwoord|secret|key|token|credential|pin.?code"
VALUE: Final = r"(?:[\x22'`]([^\x22'`\n]{4,})[\x22'`]|([^\s\x22'`,;)\]}]{6,}))"
ASSIGNED: Final = rf"(?i)(?:{NAMES})[\x22'`]?\]?\s{{0,3}}(?::=|=>|=|:)\s{{0,3}}{VALUE}"
SPOKEN: Final = (
    r"(?i)\b(?:password|passwd|passphrase|passcode|passwort|kennwort|secret|api key|token) (?:is|was|ist|"
    r"lautet)[: ]{1,2}[\x22'`]?([^\s\x22'`,;]{5,128})"
)
QUOTED: Final = r"[\x22'`]([A-Za-z0-9+/=_\-]{24,512})[\x22'`]"
WORDS: Final = (
    r"(?i)^(?:your|my|some|the|a|an|example|sample|dummy|fake|changeme|change_me|replace|insert|enter|todo|none|null|"
    r"nil|undefined|true|false|string|str|bytes|secretstr|optional|required|redacted|hidden|masked|placeholder|env|"
    r"process|os|config|settings|self|this|args|request|req|ctx|input|password|secret|token)\b"
)
SHAPES: Final = (
    r"(?i)^(?:file|env|vault|secret|arn|ref|\.|/)[:/.]|"
    r"^[<{$%*\[(&]|^(?:x{3,}|\*{3,}|\.{3,}|-{3,}|_{3,})|^[a-z_]+[A-Za-z_]*[(\[.]"
)
RANDOM_BITS: Final = 4.2  # Shannon's entropy per character: base64 of 24 random bytes has 4.4, words and paths less


def entropy(text: bytes) -> float:
    """Shannon's entropy in bits per character."""
    size = len(text)
    return -sum(count / size * math.log2(count / size) for count in (text.count(one) for one in set(text)))


def mixed(text: bytes) -> bool:
    """Capitals, small letters and digits."""
    return (
        any(0x30 <= one <= 0x39 for one in text)
        and any(0x41 <= one <= 0x5A for one in text)
        and any(0x61 <= one <= 0x7A for one in text)
    )


def chosen(text: bytes) -> bool:
    """Looks like something a person or a generator chose as a secret: not one plain word or identifier."""
    digits = any(0x30 <= one <= 0x39 for one in text)
    marks = any(not word(one) and one not in b"-./ " for one in text)
    return (digits and not text.isdigit()) or marks or (text.isdigit() and len(text) >= 6)


class Named:
    """What is assigned to a name such as `password`, unless it is a placeholder, a type, a variable or a call."""

    entities = (SECRET,)
    gate = MENTION

    def __init__(self) -> None:
        self._patterns = (compiled(ASSIGNED), compiled(SPOKEN))
        self._words, self._shapes = compiled(WORDS), compiled(SHAPES)

    def scan(self, plain: bytes) -> Iterator[Finding]:
        for pattern in self._patterns:
            for match in pattern.finditer(plain):
                quoted = pattern is self._patterns[0] and match.start(1) >= 0
                start, end = match.span(1) if match.start(1) >= 0 else match.span(2)
                while not quoted and end > start and plain[end - 1] in b".,!?:":
                    end -= 1
                if end > start and self._secret(plain[start:end], quoted=quoted):
                    yield Finding(start, end, SECRET, 0.7)

    def _secret(self, value: bytes, *, quoted: bool) -> bool:
        if self._shapes.search(value) or b"://" in value:
            return False
        # `"my-Tr1cky-pass"` only begins like a placeholder; unquoted, `config.Db1Password` is a variable.
        if self._words.search(value) and not (quoted and mixed(value)):
            return False
        if quoted:
            return b" " not in value and (chosen(value) or (len(value) >= 6 and not value.isalpha()))
        return (
            len(value) >= 6
            and chosen(value)
            and not any(one in value for one in b"()[]{}<>")
            and not value.endswith((b"_key", b"_token"))
        )


class Random:
    """Random strings in quotation marks: base64 of a key. Hashes in hexadecimal, integrity hashes, paths are none."""

    entities = (SECRET,)
    gate = QUOTED

    def __init__(self) -> None:
        self._pattern = compiled(QUOTED)

    def scan(self, plain: bytes) -> Iterator[Finding]:
        for match in self._pattern.finditer(plain):
            start, end = match.span(1)
            value = plain[start:end]
            if (
                value.startswith((b"sha256-", b"sha384-", b"sha512-", b"/"))
                or value.count(b"/") > 3
                or not mixed(value)
            ):
                continue
            if entropy(value) >= RANDOM_BITS:
                yield Finding(start, end, SECRET, 0.5)
