"""Needs that are left unmet on purpose, each with its reason: `left-out.toml`. Locks are made by it, SBOMs tell it."""

import tomllib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from sbom.model import Refused

HERE = Path(__file__).parent
ADD = "sbom/left-out.toml"


class LeftOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One package that some environments do without."""

    name: str  # normalised, PEP 503
    environments: tuple[str, ...]  # `serve`, `tools`
    asked_by: tuple[str, ...]  # the packages whose need stays unmet
    reason: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    left_out: tuple[LeftOut, ...] = ()


def load(path: Path = HERE / "left-out.toml") -> tuple[LeftOut, ...]:
    """Raises Refused for a file that says something this program does not understand, or that gives no reason."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).left_out
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, OSError) as error:
        raise Refused(f"{path.name}: {error}") from error
    for one in found:
        if not one.reason.strip():
            raise Refused(f"{path.name}: `{one.name}` is left out without a reason; write why nobody misses it")
    return found


def of(told: Iterable[LeftOut], environment: str) -> dict[str, LeftOut]:
    """By name, those that one environment does without."""
    return {one.name: one for one in told if environment in one.environments}


def reason(told: Iterable[LeftOut], environment: str, name: str, asker: str) -> str:
    """Why `asker` does without `name` there. Raises Refused when nobody told."""
    one = of(told, environment).get(name)
    if one is None or asker not in one.asked_by:
        raise Refused(
            f"`{asker}` needs `{name}`, and no wheel of `{environment}` is that; lock anew, or tell in {ADD} why it "
            "is left out"
        )
    return one.reason
