"""Two recordings held against each other, field by field."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.real.shape import Shape

SEPARATOR = " / "


@dataclass(frozen=True)
class Difference:
    """At `path` (set-up, case, field, ...) the real server has one shape and the other recording another."""

    path: str
    real: str
    other: str


@dataclass(frozen=True)
class Allowed:
    """A difference that may stay, and why. `path` is a shell pattern over `Difference.path`."""

    server: str
    path: str
    reason: str

    def covers(self, server: str, difference: Difference) -> bool:
        return self.server == server and fnmatchcase(difference.path, self.path)


def differences(real: Shape, other: Shape, path: str = "") -> Iterator[Difference]:
    """Every place where the two differ; a list of another length differs as a whole."""
    if isinstance(real, Mapping) and isinstance(other, Mapping):
        for name in sorted({*real, *other}):
            yield from differences(real.get(name), other.get(name), f"{path}{SEPARATOR}{name}" if path else str(name))
    elif isinstance(real, list) and isinstance(other, list) and len(real) == len(other):
        for place, (left, right) in enumerate(zip(real, other, strict=True)):
            yield from differences(left, right, f"{path}{SEPARATOR}{place}")
    elif real != other:
        yield Difference(path, _shown(real), _shown(other))


def unexplained(
    server: str, found: list[Difference], allowed: tuple[Allowed, ...]
) -> tuple[list[Difference], list[Allowed]]:
    """The differences nothing allows, and the allowances for this server that nothing uses any more."""
    mine = [each for each in allowed if each.server == server]
    left = [difference for difference in found if not any(each.covers(server, difference) for each in mine)]
    stale = [each for each in mine if not any(each.covers(server, difference) for difference in found)]
    return left, stale


def grouped(found: list[Difference]) -> Iterator[str]:
    """The differences for people: one that many cases share is told once, most shared first."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for difference in found:
        setup, _, rest = difference.path.partition(SEPARATOR)
        case, _, place = rest.partition(SEPARATOR)
        groups.setdefault((place, difference.real, difference.other), []).append(f"{setup}{SEPARATOR}{case}")
    for (place, real, other), cases in sorted(groups.items(), key=lambda group: -len(group[1])):
        shown = "; ".join(cases[:5]) + (f"; and {len(cases) - 5} more" if len(cases) > 5 else "")
        yield f"{place}\n    in:    {shown}\n    real:  {real}\n    other: {other}"


def _shown(shape: Shape) -> str:
    return "absent" if shape is None else json.dumps(shape, ensure_ascii=False, sort_keys=True)
