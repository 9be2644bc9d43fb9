"""An overlay: a folder of the channel `overlay`, with what a site adds to a release. decisions/0016.

Whether the site signed it is asked where its keys are, by the installer. The gateway reads it too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from offline.rules.names import SUMS
from offline.rules.refusal import Fault, Refused
from offline.rules.sums import LARGEST, read_sums
from offline.rules.tree import digest, read_small


@dataclass(frozen=True)
class Overlay:
    """What the SHA256SUMS of a folder says."""

    folder: Path
    name: str
    version: str
    seq: int
    files: Mapping[str, str]  # path -> sha256

    @property
    def wheels(self) -> tuple[Path, ...]:
        """In order of name."""
        return tuple(self.folder / path for path in sorted(self.files) if path.endswith(".whl"))


def read_overlay(folder: Path) -> Overlay:
    """Raises Refused when it cannot be read, or its header's version names no overlay."""
    sums = read_sums(read_small(folder / SUMS, LARGEST))
    name, _, version = sums.header.version.rpartition("-")
    if not name:
        raise Refused(Fault.HEADER, f"`{sums.header.version}` does not name an overlay, as `acme-adapter-1.2.0` would")
    return Overlay(folder, name, version, sums.header.seq, sums.files)


def folders(place: Path) -> list[Path]:
    """Everything that lies where overlays are kept, in order of name."""
    return sorted(place.iterdir()) if place.is_dir() else []


def newest(place: Path) -> list[Overlay]:
    """By name; of two that lie there after a power cut, the newer. Raises Refused for one that cannot be read."""
    found: dict[str, Overlay] = {}
    for one in map(read_overlay, folders(place)):
        if one.name not in found or found[one.name].seq < one.seq:
            found[one.name] = one
    return list(found.values())


def check_wheels(overlay: Overlay) -> None:
    """Raises Refused unless each wheel is, byte for byte, what SHA256SUMS lists."""
    for wheel in overlay.wheels:
        if digest(wheel) != overlay.files[str(wheel.relative_to(overlay.folder))]:
            raise Refused(
                Fault.HASH,
                f"`{wheel.name}` of the overlay `{overlay.name}` is not what the site signed; "
                "add the overlay again, or remove it",
            )


def plugins_of(overlay: Overlay, group: str) -> frozenset[str]:
    """The names of the entry points that its wheels have in that group; nothing is imported."""
    found = distributions(path=[str(wheel) for wheel in overlay.wheels])
    return frozenset(point.name for one in found for point in one.entry_points.select(group=group))
