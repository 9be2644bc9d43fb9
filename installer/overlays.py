"""What a site adds to a release: signed by its own keys, in PREFIX/overlays, listed as operator-supplied.

An overlay is a signed folder of the channel `overlay`; its header's version names it: `acme-adapter-1.2.0`. It lies in
`overlays/<version>-<12 hex of its SHA256SUMS>`. Who may sign stands in the site's own trust file (product
`redoubt-site`), believed for the first time by its fingerprint, as the maker's is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from installer import trusting
from installer.disk import remove_tree, sync_folder
from installer.failure import Failed
from installer.installed import read_installed, write_installed
from installer.layout import Layout
from installer.staging import copy_medium
from installer.work import Means
from offline.rules.names import SUMS
from offline.rules.openssl import Check
from offline.rules.refusal import Fault, Refused
from offline.rules.sums import LARGEST, read_sums
from offline.rules.tree import read_small
from offline.rules.trust import Trust
from offline.rules.verify import Asked, Verified, check_trust_time, verify
from offline.rules.wheel import read_wheel

PRODUCT = "redoubt-site"


@dataclass(frozen=True)
class Overlay:
    """A folder of the channel `overlay`."""

    folder: Path
    name: str
    version: str
    seq: int
    files: int

    def told(self) -> dict[str, object]:
        """As `status --json` says it."""
        told = {"name": self.name, "version": self.version, "seq": self.seq, "files": self.files}
        return {**told, "folder": str(self.folder), "supplied_by": "operator"}


def listed(layout: Layout) -> Iterator[Overlay]:
    """By name; of two that lie here after a power cut, the newer. Raises Refused for one that cannot be read."""
    found: dict[str, Overlay] = {}
    for folder in sorted(layout.overlays.iterdir()) if layout.overlays.is_dir() else ():
        one = _read(folder)
        if one.name not in found or found[one.name].seq < one.seq:
            found[one.name] = one
    yield from found.values()


def findings(layout: Layout, check: Check) -> list[str]:
    """One line for each overlay that is not what the site signed."""
    folders = sorted(layout.overlays.iterdir()) if layout.overlays.is_dir() else []
    if not folders:
        return []
    trust = trusting.kept(layout.site_trust)
    if trust is None:
        return ["unknown: there are overlays, and no trust file of this site"]
    wrong: list[str] = []
    for folder in folders:
        try:
            _verify(folder, trust, _asked(datetime.now(UTC), trust, late=True), check)
        except Refused as refused:
            wrong.append(f"overlay `{folder.name}`: {refused.message}")
    return wrong


def add(layout: Layout, means: Means, source: Path, paper: tuple[str, str]) -> Overlay:
    """Copy, verify, put in place. `paper`: trust file and fingerprint. Raises Refused or Failed; nothing is added."""
    scratch = layout.staging / "overlay"
    remove_tree(scratch)
    scratch.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        copy_medium(source, scratch, means.progress.thing)
        trust, new = trusting.believed(layout.site_trust, scratch / "trust", *paper, means.check)
        if trust.product != PRODUCT:
            raise Refused(Fault.TRUST, f"an overlay is signed by the site: a trust file of `{PRODUCT}` is needed")
        verified = _verify(scratch, trust, _asked(means.now(), trust, late=False), means.check)
        made = replace(_read(scratch), folder=layout.overlays / f"{_label(verified)}")
        _check_number(layout, made)
        trusting.keep(layout.site_trust, new)
        layout.overlays.mkdir(mode=0o755, exist_ok=True)
        if not made.folder.exists():
            _open(scratch)
            means.sync()
            scratch.rename(made.folder)
            sync_folder(layout.overlays)
    finally:
        remove_tree(scratch)
    for older in list(layout.overlays.iterdir()):
        if older != made.folder and _read(older).name == made.name:
            remove_tree(older)
    return made


def remove(layout: Layout, name: str) -> None:
    """Raises Failed when there is none of that name."""
    there = [one for one in listed(layout) if one.name == name]
    if not there:
        raise Failed(f"there is no overlay `{name}`; look at `overlay list`")
    remove_tree(there[0].folder)


def _verify(folder: Path, trust: Trust, asked: Asked, check: Check) -> Verified:
    check_trust_time(trust, asked)
    verified = verify(folder, trust, asked, check)
    for path in verified.sums.files:
        if path.endswith(".whl"):
            wheel = read_wheel(folder / path)
            if wheel.startup:
                raise Refused(Fault.STARTUP, f"`{wheel.file}` would run code at every start of Python")
    return verified


def _asked(now: datetime, trust: Trust, *, late: bool) -> Asked:
    known = trust.created
    return Asked(channel="overlay", arch="any", now=now, known=known, accept_expired=late, accept_clock=late)


def _check_number(layout: Layout, made: Overlay) -> None:
    installed = read_installed(layout)
    seen = installed.overlays or {}
    if made.seq < seen.get(made.name, 0):
        raise Refused(Fault.ROLLBACK, f"overlay `{made.name}` has number {made.seq}; {seen[made.name]} was here before")
    write_installed(layout, replace(installed, overlays={**seen, made.name: made.seq}))


def _read(folder: Path) -> Overlay:
    sums = read_sums(read_small(folder / SUMS, LARGEST))
    name, _, version = sums.header.version.rpartition("-")
    if not name:
        raise Refused(Fault.HEADER, f"`{sums.header.version}` does not name an overlay, as `acme-adapter-1.2.0` would")
    return Overlay(folder, name, version, sums.header.seq, len(sums.files))


def _label(verified: Verified) -> str:
    return f"{verified.sums.header.version}-{verified.sha256[:12]}"


def _open(folder: Path) -> None:
    for one in (folder, *folder.rglob("*")):
        one.chmod(0o755 if one.is_dir() else 0o644)
