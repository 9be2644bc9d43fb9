"""Step 5 of docs/decisions/0009: whether the content of an `app` bundle hangs together. Signatures come before."""

import hashlib
import platform
import re
from collections.abc import Mapping
from pathlib import Path

from offline.rules.lock import Pin, read_lock, write_lock
from offline.rules.manifest import LARGEST, Environment, Manifest, WheelEntry, read_manifest
from offline.rules.moments import write_moment
from offline.rules.names import LONGEST_SIGNATURE, Beside, beside, shown
from offline.rules.openssl import Check
from offline.rules.refusal import Fault, Refused
from offline.rules.signatures import signers
from offline.rules.sums import Header, Sums
from offline.rules.tree import Progress, digest, read_small
from offline.rules.trust import Key
from offline.rules.wheel import Wheel, check_platform, read_wheel

MANIFEST = "manifest.json"
STARTUP_LIST = "policy/pth-allow.txt"
SBOM = "sbom/redoubt.cdx.json"
OWN = "redoubt-gateway"
KINDS = ("serve", "tools")
PROGRAMS = "../bin/"  # beside site-packages as far as names go: no member of a wheel can begin like that
_OURS = re.compile(r"redoubt([._-].*)?", re.IGNORECASE)


def check_release(folder: Path, sums: Sums, progress: Progress | None = None) -> Manifest:
    """Manifest, locks and wheels, each against the others. Raises Refused."""
    manifest = read_manifest(read_small(folder / MANIFEST, LARGEST))
    _check_header(manifest, sums.header)
    if sums.files.get(SBOM) != manifest.sbom_sha256:
        raise Refused(Fault.MANIFEST, f"`{SBOM}` is not the one that manifest.json names")
    for model in manifest.models:
        if sums.files.get(model.file) != model.sha256:
            raise Refused(Fault.MANIFEST, f"`{shown(model.file)}` is not the model that manifest.json names")
    allowed = _startup_list(read_small(folder / STARTUP_LIST, LARGEST).decode("ascii", "replace"))
    wheels = _read_wheels(folder, manifest, sums, progress)
    for wheel in wheels.values():
        _check_startup(wheel, allowed)
    used: set[str] = set()
    for environment in manifest.environments:
        used |= _check_environment(folder, environment, manifest, wheels)
    if unused := sorted({wheel.file for wheel in wheels.values()} - used):
        raise Refused(Fault.LOCK, f"`{unused[0]}` is in no lock; a bundle carries nothing it does not install")
    return manifest


def _check_header(manifest: Manifest, header: Header) -> None:
    said = (manifest.product, manifest.channel, manifest.version, manifest.arch, manifest.seq, manifest.min_from)
    signed = (header.product, header.channel, header.version, header.arch, header.seq, header.min_from)
    moments = (manifest.created, manifest.expires), (write_moment(header.created), write_moment(header.expires))
    if said != signed or moments[0] != moments[1]:
        raise Refused(Fault.MANIFEST, "manifest.json and the header of SHA256SUMS tell different releases")


def _read_wheels(folder: Path, manifest: Manifest, sums: Sums, progress: Progress | None) -> dict[str, Wheel]:
    """By sha256. Each file below `wheels/` is in the manifest, and the other way round."""
    entries = {f"wheels/{entry.file}": entry for entry in manifest.wheels}
    listed = {path for path in sums.files if path.startswith("wheels/")}
    if entries.keys() != listed or len(entries) != len(manifest.wheels):
        odd = sorted(entries.keys() ^ listed)
        raise Refused(Fault.MANIFEST, f"manifest.json and `wheels/` differ: `{odd[0] if odd else 'doubled'}`")
    found: dict[str, Wheel] = {}
    for path, entry in entries.items():
        wheel = read_wheel(folder / path)
        _check_entry(entry, wheel, digest(folder / path, "sha512"))
        check_platform(wheel.file, manifest.arch)
        found[wheel.sha256] = wheel
        if progress is not None:
            progress(path, wheel.size)
    return found


def _check_entry(entry: WheelEntry, wheel: Wheel, sha512: str) -> None:
    said = (entry.name, entry.version, entry.sha256, entry.sha512, entry.size, entry.native, entry.record)
    is_so = (wheel.name, wheel.version, wheel.sha256, sha512, wheel.size, bool(wheel.native), wheel.record)
    if said != is_so:
        raise Refused(Fault.MANIFEST, f"`{wheel.file}` is not what manifest.json says of it")


def _startup_list(text: str) -> set[tuple[str, str, str]]:
    """Lines `name path sha256`, each a piece of code that may run at every start."""
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    if any(len(line) != 3 for line in lines):
        raise Refused(Fault.FORMAT, f"`{STARTUP_LIST}`: expected `name path sha256` in each line")
    return {(name, path, sha256) for name, path, sha256 in lines}


def _check_startup(wheel: Wheel, allowed: set[tuple[str, str, str]]) -> None:
    for path, sha256 in wheel.startup.items():
        if (wheel.name, path, sha256) not in allowed:
            raise Refused(
                Fault.STARTUP,
                f"`{wheel.file}` would run `{shown(path)}` at every start of Python, and `{STARTUP_LIST}` does not "
                "list it",
            )


def _check_environment(
    folder: Path, environment: Environment, manifest: Manifest, wheels: Mapping[str, Wheel]
) -> set[str]:
    """The files of its wheels: those of its lock, one to one, and ours."""
    what = f"{environment.kind} for {environment.python}"
    if environment.kind not in KINDS or environment.lock != f"locks/{environment.kind}-{environment.python}.txt":
        raise Refused(Fault.MANIFEST, f"manifest.json names an environment that is none: `{shown(what)}`")
    text = read_small(folder / environment.lock, LARGEST).decode("ascii", "replace")
    pins = read_lock(text)
    if text != write_lock(environment.kind, environment.python, manifest.arch, pins):
        raise Refused(Fault.LOCK, f"`{environment.lock}` says in its first line that it is another lock")
    own = [wheel for wheel in wheels.values() if wheel.name == OWN]
    if len(own) != 1 or own[0].version != manifest.version:
        raise Refused(Fault.LOCK, f"there must be exactly one wheel of `{OWN}`, of version {manifest.version}")
    chosen = [*own, *(_pinned(pin, wheels, what) for pin in pins if pin.name != OWN)]
    places: dict[str, str] = {}
    for wheel in chosen:
        if environment.kind == "serve" and wheel.startup:
            raise Refused(Fault.STARTUP, f"`{wheel.file}` may not be in {what}: it runs code at every start")
        if wheel.name != OWN and (taken := [name for name in wheel.scripts if _OURS.fullmatch(name)]):
            raise Refused(Fault.WHEEL, f"`{wheel.file}` would put `{shown(taken[0])}` in place of our own program")
        for path in (*wheel.installs, *(f"{PROGRAMS}{name.lower()}" for name in wheel.scripts)):
            if (other := places.setdefault(path, wheel.file)) != wheel.file:
                raise Refused(Fault.WHEEL, f"`{wheel.file}` and `{other}` would both install `{shown(path)}`")
    return {wheel.file for wheel in chosen}


def _pinned(pin: Pin, wheels: Mapping[str, Wheel], what: str) -> Wheel:
    wheel = wheels.get(pin.sha256)
    if wheel is None or wheel.name != pin.name or wheel.version != pin.version:
        raise Refused(Fault.LOCK, f"the lock of {what} pins `{pin.name}=={pin.version}`, and no wheel here is that")
    return wheel


def approval_line(sbom_sha256: str) -> bytes:
    """What a reviewer signs."""
    return f"redoubt-approval v1 sbom-sha256={sbom_sha256}\n".encode()


def check_approval(folder: Path, sums: Sums, reviewer: Key, check: Check) -> None:
    """Raises Refused unless the reviewer with that key signed this SBOM, and nobody else approved anything."""
    wanted = Beside(reviewer.id, reviewer.algorithm, approval=True)
    there = {kind: one for one in folder.iterdir() if (kind := beside(one.name)) is not None and kind.approval}
    if strangers := sorted(there.keys() - {wanted}):
        raise Refused(
            Fault.APPROVAL,
            f"there is an approval by `{strangers[0].id}` ({strangers[0].form}), whom nobody asked; take it away, or "
            "ask that reviewer",
        )
    if wanted not in there:
        raise Refused(Fault.APPROVAL, f"`{reviewer.id}` has not approved this SBOM; it takes `redoubt sbom approve`")
    if SBOM not in sums.files:
        raise Refused(Fault.APPROVAL, f"there is no `{SBOM}` here to have been approved")
    given = {wanted: read_small(there[wanted], LONGEST_SIGNATURE)}
    signers(approval_line(sums.files[SBOM]), given, [reviewer], check)


def machine() -> str:
    """`x86_64` or `aarch64`."""
    return platform.machine()


def identity(sums: bytes, version: str) -> str:
    """The name of a release's folder on the site: `0.1.0-3f9a0c…`, after the version and what was signed."""
    return f"{version}-{hashlib.sha256(sums).hexdigest()[:12]}"
