"""Locks: every artefact an environment is made of, by name, version and one sha256. No URLs: an index is a detail.

A lock is a pip requirements file, so that `pip install --no-deps --require-hashes -r LOCK` is all it takes to use one.
`--no-deps`, since a lock is complete as it is and leaves out what `sbom/left-out.toml` names:

    # redoubt lock: serve, cp311, x86_64
    aiosqlite==0.22.1 --hash=sha256:…
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from offline.rules.names import shown
from offline.rules.refusal import Fault, Refused

_HEAD = re.compile(r"# redoubt lock: (?P<kind>[a-z]{1,16}), (?P<python>cp3[0-9]{1,2}), (?P<arch>[a-z0-9_]{1,16})")
_LINE = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[0-9A-Za-z][0-9A-Za-z.!+_-]*) --hash=sha256:(?P<sha256>[0-9a-f]{64})"
)


@dataclass(frozen=True, order=True)
class Pin:
    """One artefact."""

    name: str  # normalised, PEP 503
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def normalised(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(text: str) -> list[Pin]:
    """Raises Refused for everything that `write_lock` would not have written: pip would read it its own way."""
    first, *rest = text.removesuffix("\n").split("\n")
    head = _HEAD.fullmatch(first)
    if head is None:
        raise Refused(Fault.LOCK, f"the first line is not `# redoubt lock: kind, python, machine`: `{shown(first)}`")
    pins: list[Pin] = []
    for number, line in enumerate(rest, 2):
        found = _LINE.fullmatch(line)
        if found is None or found["name"] != normalised(found["name"]):
            raise Refused(
                Fault.LOCK, f"line {number}: expected `name==version --hash=sha256:<64 hex>`, got `{shown(line)}`"
            )
        pins.append(Pin(found["name"], found["version"], found["sha256"]))
    names = [pin.name for pin in pins]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise Refused(Fault.LOCK, f"pinned twice: {', '.join(doubled)}")
    if not pins:
        raise Refused(Fault.LOCK, "the lock pins nothing")
    if write_lock(head["kind"], head["python"], head["arch"], pins) != text:
        raise Refused(Fault.LOCK, "the lock is not written in its one form, which is sorted and ends with a newline")
    return pins


def write_lock(kind: str, python: str, architecture: str, pins: Sequence[Pin]) -> str:
    """The text of a lock, sorted, so that a diff shows what changed. `python`: `cp311`."""
    return f"# redoubt lock: {kind}, {python}, {architecture}\n" + "".join(f"{pin}\n" for pin in sorted(pins))
