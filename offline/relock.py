"""Locks made anew and held against those before: what changed is told first, and written only past the gate."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from offline.cache import WheelCache
from offline.delta import Content, Finding, changes, content, unchanged
from offline.failure import Failure
from offline.fetch import fetch
from offline.files import write_whole
from offline.lock import ORDER, LockError, Resolved, file_of, resolve
from offline.rules.lock import Pin, read_lock, write_lock
from offline.steps import Step, silent
from sbom import leftout
from sbom.model import Refused


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which locks to make, and how careful to be."""

    source: Path  # a checkout
    kinds: tuple[str, ...]
    pythons: tuple[str, ...]
    architectures: tuple[str, ...]
    wheels: Path  # the cache
    before: datetime | None  # uploaded earlier; None: no cooldown
    fail_on: frozenset[str]  # kinds of findings
    allow_unknown_age: bool = False


@dataclass(frozen=True, kw_only=True)
class Locked:
    """One lock, made anew."""

    file: str  # in the checkout
    text: str
    artefacts: int
    unknown_age: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]  # name, why
    findings: tuple[Finding, ...]


def relock(wanted: Wanted, step: Step = silent) -> list[Locked]:
    """Every lock that was asked for, none written yet. Raises Failure or Refused."""
    made: list[Locked] = []
    total = len(wanted.kinds) * len(wanted.pythons) * len(wanted.architectures)
    cache = WheelCache(wanted.wheels)
    for architecture in wanted.architectures:
        for python in wanted.pythons:
            serve: tuple[Pin, ...] = ()
            for kind in (one for one in ORDER if one in wanted.kinds):
                step(f"resolving {kind} for {python} on {architecture}", len(made) + 1, total)
                served = serve or _pins(wanted.source, "serve", python, architecture)
                fixed = () if kind in {"serve", "build"} else served
                found = _resolved(wanted, kind, (python, architecture), fixed)
                if kind == "serve":
                    serve = found.pins
                before = _pins(wanted.source, kind, python, architecture)
                made.append(
                    Locked(
                        file=file_of(kind, python, architecture),
                        text=write_lock(kind, f"cp{python.replace('.', '')}", architecture, found.pins),
                        artefacts=len(found.pins),
                        unknown_age=found.unknown_age if wanted.before is not None else (),
                        left_out=found.left_out,
                        findings=tuple(_changes(before, found.pins, (python, architecture), cache, step)),
                    )
                )
    return made


def stopped(wanted: Wanted, made: Iterable[Locked]) -> list[str]:
    """Why these locks must not be written; empty when nothing says so."""
    reasons: list[str] = []
    for lock in made:
        if lock.unknown_age and not wanted.allow_unknown_age:
            names = ", ".join(lock.unknown_age[:5])
            reasons.append(
                f"{lock.file}: nobody tells how old {len(lock.unknown_age)} wheels are ({names} …), so the cooldown "
                "says nothing of them; look yourself and say `--allow-unknown-age`"
            )
        reasons += [
            f"{lock.file}: {one.package}: {one.kind}: {one.detail}"
            for one in lock.findings
            if one.kind in wanted.fail_on
        ]
    return reasons


def save(source: Path, made: Iterable[Locked]) -> None:
    """Write the locks into the checkout."""
    for lock in made:
        write_whole(source / lock.file, lock.text.encode())


def _resolved(wanted: Wanted, kind: str, where: tuple[str, str], fixed: Iterable[Pin]) -> Resolved:
    try:
        left = leftout.load()
        return resolve(wanted.source, kind, where, before=wanted.before, constraints=fixed, told=left)
    except (LockError, Refused) as error:
        raise Failure(str(error)) from error


def _pins(source: Path, kind: str, python: str, architecture: str) -> tuple[Pin, ...]:
    """Of the lock that lies there; none when there is none."""
    file = source / file_of(kind, python, architecture)
    return tuple(read_lock(file.read_text(encoding="ascii"))) if file.is_file() else ()


def _changes(
    before: tuple[Pin, ...], after: tuple[Pin, ...], where: tuple[str, str], cache: WheelCache, step: Step
) -> list[Finding]:
    """From the bytes of every wheel that is not in both. Nothing is told where there was no lock before."""
    if not before:
        return []
    same = unchanged(before, after)
    return changes(_contents(before, same, where, cache, step), _contents(after, same, where, cache, step))


def _contents(
    pins: Iterable[Pin], same: set[str], where: tuple[str, str], cache: WheelCache, step: Step
) -> Mapping[str, Content]:
    other = [pin for pin in pins if pin.name not in same]
    return {pin.name: content(file) for pin, file in zip(other, fetch(other, *where, cache, step), strict=True)}
