"""Finds everything that is wrong in a configuration, each with its path and the nearest valid word."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import Literal, get_args, get_origin, get_type_hints

import msgspec

from appliance.config.amounts import micros
from appliance.config.annotations import alternatives, bound, item_type, meta, name_type, struct_in, value_type
from appliance.config.tree import Path

# A NUL is in no path, an escape sequence paints a terminal, half of a surrogate pair has no bytes.
_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # all but tab and line break
_UNREADABLE = re.compile(rf"[{_CONTROLS}\ud800-\udfff]")
READABLE = rf"^[^{_CONTROLS}]*$"
UNREADABLE = "holds a control character, or half of a surrogate pair"


MOST_DIGITS = 32  # of a number that is quoted back


class Problem(msgspec.Struct, frozen=True):
    """One thing to correct. `path` is empty for the file as a whole."""

    path: Path
    text: str

    def __str__(self) -> str:
        return f"{dotted(self.path)}: {self.text}" if self.path else self.text


def dotted(path: Path) -> str:
    """`("models", 2, "name")` as people write it: `models[2].name`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def nearest(word: str, known: Sequence[str], otherwise: str = "") -> str:
    """A hint to append to an error: the likeliest word meant, or `otherwise`, or the words there are."""
    if close := difflib.get_close_matches(word, known, n=1, cutoff=0.6):
        return f"; did you mean `{close[0]}`?"
    return f"; {otherwise}" if otherwise else "; known here: " + ", ".join(f"`{one}`" for one in known)


def problems(value: object, expected: object, path: Path = ()) -> Iterator[Problem]:
    """Compare plain data with a type made of msgspec Structs, tuples, dicts and scalars.

    Only a word out of a closed list is quoted back: any other text could be a secret in the wrong place.
    """
    if (struct := struct_in(expected)) is not None and isinstance(value, Mapping):
        yield from _in_struct(value, struct, path)
    elif (item := item_type(expected)) is not None and isinstance(value, list):
        found = [problem for at, one in enumerate(value) for problem in problems(one, item, (*path, at))]
        yield from found or _in_leaf(value, expected, path)
    elif (of := value_type(expected)) is not None and isinstance(value, Mapping):
        found = [problem for entry in value.items() for problem in _in_entry(entry, name_type(expected), of, path)]
        yield from found or _in_leaf(value, expected, path)
    else:
        yield from _in_leaf(value, expected, path)


def _in_struct(value: Mapping[str, object], struct: type[msgspec.Struct], path: Path) -> Iterator[Problem]:
    hints = get_type_hints(struct, include_extras=True)
    fields = {field.name: field for field in msgspec.structs.fields(struct)}
    if not value and hasattr(struct, "empty"):  # allowed by its types, and never what was meant
        yield Problem(path, struct.empty)
        return
    found = [
        Problem((*path, name), f"unknown field `{name}`{nearest(name, sorted(fields))}")
        for name in value
        if name not in fields
    ]
    for name, field in fields.items():
        if name in value:
            found.extend(problems(value[name], hints[name], (*path, name)))
        elif field.required:
            found.append(Problem(path, f"`{name}` is missing"))
    yield from found or _in_leaf(value, struct, path)


def _in_entry(entry: tuple[str, object], name_type: object, of: object, path: Path) -> list[Problem]:
    """Of a mapping with free names; a name that is wrong is not repeated, as it could be anything."""
    name, value = entry
    wrong = [Problem(path, f"a name in it: {one.text}") for one in problems(name, name_type)]
    return wrong or list(problems(value, of, (*path, name)))


def _in_leaf(value: object, expected: object, path: Path) -> Iterator[Problem]:
    if _unreadable(value):
        yield Problem(path, UNREADABLE)
        return
    try:
        made = msgspec.convert(value, expected)
    except msgspec.ValidationError as e:
        text, _, _ = str(e).partition(" - at `$")
        yield Problem(path, _explain(value, expected, text))
        return
    if isinstance(made, Decimal) and (wrong := _no_money(value, made)):
        yield Problem(path, wrong)


def _no_money(written: object, amount: Decimal) -> str:
    """Why it is no amount; also for digits and spaces that only Python reads as one. Empty: it is one."""
    if isinstance(written, str) and not (written.isascii() and "_" not in written and written == written.strip()):
        return "an amount of money is written in digits, such as 0.15"
    try:
        micros(amount)
    except ValueError as e:
        return str(e)
    return ""


def _unreadable(value: object) -> bool:
    return isinstance(value, str) and _UNREADABLE.search(value) is not None


def _explain(value: object, expected: object, said: str) -> str:
    words = _words(expected)
    if words and isinstance(value, str):
        given = f", got `{value}`" if len(value) <= 64 else ""
        return f"is not one of the words allowed{given}{nearest(value, words)}"
    if words:
        return "expected one of " + ", ".join(f"`{word}`" for word in words) + f", got {_kind(value)}"
    texts = str in alternatives(expected)
    kind = "another text" if texts and isinstance(value, str) else _kind(value)
    wanted = meta(expected, "title") or _shape(expected, value)
    if wanted := ", ".join(part for part in (wanted, _over(expected, value, wanted)) if part):
        return f"expected {wanted}, got {kind}"
    return said[0].lower() + said[1:]


def _shape(expected: object, value: object) -> str:
    """The kind of value a type without a title takes, when `value` is of another kind."""
    members = alternatives(expected)
    if struct_in(expected) is not None:
        return "" if isinstance(value, Mapping) else "a mapping"
    if item_type(expected) is not None:
        return "" if isinstance(value, list) else "a list"
    if bool in members:
        return "a text, a number, `true` or `false`" if str in members else "`true` or `false`"
    return "a text" if str in members else ""


def _over(expected: object, value: object, told: str) -> str:
    """The bound that a value of the right kind is beyond, unless it was `told` already."""
    number = isinstance(value, int) or (isinstance(value, float) and float in alternatives(expected))
    most = bound(expected, "le" if number else "max_length")
    if most is None or f"{most:.0f}" in told:
        return ""
    if isinstance(value, int | float):
        return f"at most {most:.0f}" if value > most else ""
    size = len(value) if isinstance(value, str | list | dict) else 0
    return f"at most {most:.0f} {'characters' if isinstance(value, str) else 'of them'}" if size > most else ""


def _kind(value: object) -> str:
    """What was written, without quoting a text: it could be a secret in the wrong place."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "`true`" if value else "`false`"
        case int() | float():
            return f"{value}"[:MOST_DIGITS]
        case str():
            return "a text"
        case list():
            return "a list"
    return "a mapping"


def _words(expected: object) -> list[str]:
    words: list[str] = []
    for one in alternatives(expected):
        if get_origin(one) is Literal:
            words.extend(str(word) for word in get_args(one) if isinstance(word, str))
        elif isinstance(one, type) and issubclass(one, Enum):
            words.extend(str(member.value) for member in one)
    return words
