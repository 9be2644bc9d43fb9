"""What a recogniser is, and the rule most of ours are made of."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol

import msgspec
import re2

from appliance.domain.privacy import Entity, Finding
from appliance.redaction.recognisers.plain import LETTER

WEAK: Final = 0.2  # below every default threshold: stands only where context, or a policy, lifts it
WINDOW: Final = 60  # characters before a match in which a context word counts
WINDOW_AFTER: Final = 24
MEMORY: Final = 16 * 1024 * 1024  # bytes RE2 may use for one pattern's states


class Recogniser(Protocol):
    """Finds places in a text. Findings may overlap one another and those of others; the worker resolves."""

    @property
    def entities(self) -> tuple[Entity, ...]: ...

    def find(self, text: str) -> Iterable[Finding]: ...


class Scanner(Protocol):
    """A recogniser behind a gate: it reads what `Narrowing` made of a text, and only when its gate matched there."""

    @property
    def entities(self) -> tuple[Entity, ...]: ...

    @property
    def gate(self) -> str:
        """RE2: wherever the scanner finds something, this matches somewhere in the same text."""
        ...

    def scan(self, plain: bytes) -> Iterator[Finding]: ...


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One format of one entity. `pattern` and `context` are RE2 over Latin-1.

    Where `check` or `edges` may refuse a match, its length is bounded: that keeps looking again linear.
    """

    entity: Entity
    pattern: str
    gate: str  # a cheap necessary condition
    check: Callable[[str], bool] | None = None  # of the match's letters and digits, upper case
    score: float = 0.85
    sure: bool = False  # whether passing `check` proves it, without context
    proved: bool = True  # whether `check` tests a check digit, so that it and a context word together prove it
    context: str = ""  # alternation of words, lower case
    lifted: float = 1.0  # the score when a context word stands near
    group: int = 0  # which group of the pattern is the finding's place
    edges: Callable[[bytes, int, int], bool] | None = None  # None: `alone`


def compiled(pattern: str) -> re2._Regexp:
    """`pattern` over bytes that are Latin-1."""
    return re2.compile(pattern.encode("latin-1"), options())


def options() -> re2.Options:
    chosen = re2.Options()
    chosen.encoding = re2.Options.Encoding.LATIN1
    chosen.log_errors = False
    chosen.max_mem = MEMORY
    return chosen


def word(byte: int) -> bool:
    """Whether `byte` is a letter of Latin-1, a digit or an underscore.

    Not the letter that stands for those of other scripts: Chinese and Japanese put no space round a number.
    """
    return byte == 0x5F or (byte != LETTER and chr(byte).isalnum())


def alone(plain: bytes, start: int, end: int) -> bool:
    """Whether a number or code stands for itself: not inside a word, a longer number, a version, an amount."""
    if start:
        before = plain[start - 1]
        if word(before) or before in b"$\xa3\xa4%":
            return False
        if before in b"-./:,+" and start > 1 and 0x30 <= plain[start - 2] <= 0x39:
            return False
    if end < len(plain):
        after = plain[end]
        if word(after) or after == 0x25:
            return False
        if after in b"-./:,+" and end + 1 < len(plain) and 0x30 <= plain[end + 1] <= 0x39:
            return False
    return True


def apart(plain: bytes, start: int, end: int) -> bool:
    """Whether what was found is no part of a word."""
    return not (start and word(plain[start - 1])) and not (end < len(plain) and word(plain[end]))


def anywhere(_plain: bytes, _start: int, _end: int) -> bool:
    """The pattern itself holds its edges."""
    return True


class Context:
    """Words that make a weak match a finding. No lemmas: list the forms."""

    def __init__(self, words: str) -> None:
        self._words = compiled(rf"(?:^|[^a-z\xc0-\xff])(?:{words})(?:[^a-z\xc0-\xff]|$)")

    def near(self, plain: bytes, start: int, end: int) -> bool:
        window = plain[max(0, start - WINDOW) : start] + b" " + plain[end : end + WINDOW_AFTER]
        # RE2 folds no case beyond ASCII in Latin-1, Python does.
        return self._words.search(window.decode("latin-1").lower().encode("latin-1", "replace")) is not None


class Ruled:
    """A `Rule`, compiled."""

    def __init__(self, rule: Rule) -> None:
        self.entities = (rule.entity,)
        self.gate = rule.gate
        self._rule = rule
        self._pattern = compiled(rule.pattern)
        self._edges = rule.edges or alone
        self._context = Context(rule.context) if rule.context else None

    def scan(self, plain: bytes) -> Iterator[Finding]:
        at = 0
        while match := self._pattern.search(plain, at):
            start, end = match.span(self._rule.group)
            if finding := self._finding(plain, start, end):
                yield finding
                at = max(match.end(), at + 1)
            else:
                at = self._again(plain, match.start(), match.end())

    def _again(self, plain: bytes, start: int, end: int) -> int:
        """Where to look on after a refusal: behind the first run of letters and digits; the rest may match itself."""
        at = start + 1
        while at < end and word(plain[at]):
            at += 1
        return at

    def _finding(self, plain: bytes, start: int, end: int) -> Finding | None:
        rule = self._rule
        if start < 0 or not self._edges(plain, start, end):
            return None
        if rule.check and not rule.check(bare(plain[start:end])):
            return None
        if self._context and self._context.near(plain, start, end):
            return Finding(start, end, rule.entity, rule.lifted, rule.proved and rule.check is not None)
        return Finding(start, end, rule.entity, rule.score, rule.sure)


def bare(found: bytes) -> str:
    """Letters and digits only, upper case."""
    return "".join(filter(str.isalnum, found.decode("latin-1"))).upper()
