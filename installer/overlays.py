"""What a site adds to a release: signed by its own keys, in PREFIX/overlays, listed as operator-supplied.

An overlay is a signed folder of the channel `overlay`; its header's version names it: `acme-adapter-1.2.0`. It lies in
`overlays/<version>-<12 hex of its SHA256SUMS>`. Who may sign stands in the site's own trust file (product
`redoubt-site`), believed for the first time by its fingerprint, as the maker's is.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from installer import importing, trusting
from installer.disk import remove_tree, sync_folder
from installer.failure import Failed
from installer.importing import GROUP
from installer.installed import read_installed, write_installed
from installer.layout import Layout, Release
from installer.staging import copy_medium
from installer.work import Means
from offline.rules.openssl import Check
from offline.rules.overlay import Overlay, folders, plugins_of, read_overlay
from offline.rules.refusal import Fault, Refused
from offline.rules.trust import Trust
from offline.rules.verify import Asked, Verified, check_trust_time, verify
from offline.rules.wheel import read_wheel

PRODUCT = "redoubt-site"


def listed(layout: Layout) -> list[dict[str, object]]:
    """As `status --json` says it, by name. One that cannot be read goes by the name of its folder."""
    readable, found = _readable(layout), []
    for folder in folders(layout.overlays):
        one = readable.get(folder)
        if one is None:
            told: dict[str, object] = {"name": folder.name, "readable": False}
        else:
            told = {"name": one.name, "version": one.version, "seq": one.seq, "files": len(one.files), "readable": True}
            told["plugins"] = sorted(plugins_of(one, GROUP))
        found.append({**told, "folder": str(folder), "supplied_by": "operator"})
    return found


def _readable(layout: Layout) -> dict[Path, Overlay]:
    found: dict[Path, Overlay] = {}
    for folder in folders(layout.overlays):
        with suppress(Refused):
            found[folder] = read_overlay(folder)
    return found


def findings(layout: Layout, check: Check) -> list[str]:
    """One line for each overlay that is not what the site signed."""
    here = folders(layout.overlays)
    if not here:
        return []
    trust = trusting.kept(layout.site_trust)
    if trust is None:
        return ["unknown: there are overlays, and no trust file of this site"]
    wrong: list[str] = []
    for folder in here:
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
        added = read_overlay(scratch)
        made = replace(added, folder=layout.overlays / f"{_label(verified)}")
        readable = _readable(layout).values()
        importing.check(added, _serving(layout), [one for one in readable if one.name != made.name])
        _check_number(layout, made)
        trusting.keep(layout.site_trust, new)
        layout.overlays.mkdir(mode=0o755, exist_ok=True)
        _open(scratch)
        means.sync()
        aside = layout.staging / "overlay-before"  # the same one, which may have been damaged since
        remove_tree(aside)
        if made.folder.exists():
            made.folder.rename(aside)
        scratch.rename(made.folder)
        sync_folder(layout.overlays)
        remove_tree(aside)
    finally:
        remove_tree(scratch)
    for folder, older in _readable(layout).items():
        if folder != made.folder and older.name == made.name:
            remove_tree(folder)
    return made


def remove(layout: Layout, name: str) -> None:
    """Every one of that name, which may be the name of its folder. Raises Failed when there is none."""
    called = {folder: one.name for folder, one in _readable(layout).items()}
    there = [folder for folder in folders(layout.overlays) if name in {folder.name, called.get(folder)}]
    if not there:
        raise Failed(f"there is no overlay `{name}`; look at `overlay list`")
    for folder in there:
        if folder.is_file():
            folder.unlink()
        else:
            remove_tree(folder)


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


def _serving(layout: Layout) -> Release:
    release = layout.serving()
    if release is None:
        raise Failed(f"there is no release in `{layout.prefix}` yet; use `install`")
    return release


def _label(verified: Verified) -> str:
    return f"{verified.sums.header.version}-{verified.sha256[:12]}"


def _open(folder: Path) -> None:
    for one in (folder, *folder.rglob("*")):
        one.chmod(0o755 if one.is_dir() else 0o644)
