"""A string that a regular expression matches: the answer under a `pattern` or `structured_outputs.regex`.

Covers literals, classes, groups, alternation, quantifiers and anchors. Look-around, back references and the like are
refused, as constrained decoders refuse them.
"""

import re
import string

from providers.simulated.generate import seed_of

_PLENTY = 3  # what `*` and `+` add at most
_CLASSES = {"d": string.digits, "w": string.ascii_lowercase + string.digits + "_", "s": " "}
_PRINTABLE = string.ascii_letters + string.digits + " -_.,:;!?@#%&+=/'()"


class BadPattern(ValueError):
    """The expression does not compile, or has parts that cannot be written from."""


def sample(pattern: str, seed: int, *, search: bool = False) -> str:
    """A string the whole of which the pattern matches; with `search`, one it is found in. Raises BadPattern."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise BadPattern(f"`{pattern}` is no regular expression: {error}") from error
    text = _Reader(pattern, seed).whole()
    if not (compiled.search(text) if search else compiled.fullmatch(text)):
        raise BadPattern(f"`{pattern}` cannot be written from")
    return text


class _Reader:
    """Reads the pattern once and writes as it goes. The pattern is known to compile."""

    def __init__(self, pattern: str, seed: int) -> None:
        self._pattern = pattern
        self._at = 0
        self._seed = seed
        self._draws = 0

    def whole(self) -> str:
        return self._alternatives()

    def _peek(self) -> str:
        return self._pattern[self._at] if self._at < len(self._pattern) else ""

    def _next(self) -> str:
        char = self._peek()
        self._at += 1
        return char

    def _draw(self, below: int) -> int:
        self._draws += 1
        return seed_of(self._seed, self._draws) % below

    def _alternatives(self) -> str:
        options = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            options.append(self._sequence())
        return options[self._draw(len(options))]

    def _sequence(self) -> str:
        written: list[str] = []
        while self._peek() not in {"", "|", ")"}:
            start = self._at
            atom = self._atom()
            end = self._at
            least, most = self._quantifier()
            after = self._at
            for turn in range(least + (self._draw(most - least + 1) if most > least else 0)):
                if turn:
                    # Read the atom again, so that `[ab]{3}` is not three times the same letter.
                    self._at = start
                    atom = self._atom()
                    self._at = end
                written.append(atom)
            self._at = after
        return "".join(written)

    def _atom(self) -> str:
        char = self._next()
        match char:
            case "(":
                return self._group()
            case "[":
                return self._one_of(self._class())
            case ".":
                return self._one_of(_PRINTABLE)
            case "\\":
                return self._escape()
            case "^" | "$":
                return ""
            case _:
                return char

    def _group(self) -> str:
        if self._peek() == "?":
            if self._pattern.startswith("?:", self._at):
                self._at += 2
            elif self._pattern.startswith("?P<", self._at):
                self._at = self._pattern.index(">", self._at) + 1
            else:
                raise BadPattern("look-around and flags are not supported")
        written = self._alternatives()
        self._at += 1
        return written

    def _escape(self) -> str:
        char = self._next()
        if char in "bBAZ":
            return ""
        return self._one_of(_escaped(char))

    def _class(self) -> str:
        negated = self._peek() == "^"
        self._at += negated
        allowed: list[str] = []
        first = True
        while first or self._peek() != "]":
            first = False
            char = self._next()
            members = _escaped(self._next()) if char == "\\" else char
            if self._peek() == "-" and self._pattern[self._at + 1] != "]" and len(members) == 1:
                self._at += 1
                last = self._next()
                last = self._next() if last == "\\" else last
                members = "".join(map(chr, range(ord(members), ord(last) + 1)))
            allowed.append(members)
        self._at += 1
        known = "".join(allowed)
        return "".join(char for char in _PRINTABLE if char not in known) if negated else known

    def _one_of(self, allowed: str) -> str:
        if not allowed:
            raise BadPattern("an empty class matches nothing")
        return allowed[self._draw(len(allowed))]

    def _quantifier(self) -> tuple[int, int]:
        bounds = {"*": (0, _PLENTY), "+": (1, 1 + _PLENTY), "?": (0, 1)}.get(self._peek())
        if bounds is not None:
            self._at += 1
        elif (braces := re.compile(r"\{(\d*)(,?)(\d*)\}").match(self._pattern, self._at)) and braces[0] not in {
            "{}",
            "{,}",
        }:
            self._at = braces.end()
            least = int(braces[1] or 0)
            most = int(braces[3]) if braces[3] else (least + _PLENTY if braces[2] else least)
            bounds = (least, most)
        else:
            return 1, 1
        if self._peek() in {"?", "+"}:
            self._at += 1
        return bounds


def _escaped(char: str) -> str:
    if char in _CLASSES:
        return _CLASSES[char]
    if char.lower() in _CLASSES and char.isupper():
        return "".join(other for other in _PRINTABLE if other not in _CLASSES[char.lower()])
    if char.isdigit():
        raise BadPattern("back references are not supported")
    return {"n": "\n", "t": "\t", "r": "\r"}.get(char, char)
