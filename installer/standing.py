"""Whether what lies in a release's folder is still what was signed and what was installed."""

import base64
import csv
import io
import json
import zipfile
from collections.abc import Mapping

from installer import overlays
from installer.environment import chosen, destination, environment_for, site_packages
from installer.failure import Failed
from installer.inventory import differences, read
from installer.layout import BUNDLE, KINDS, Layout, Release
from installer.trusting import kept
from offline.rules.manifest import LARGEST, Manifest, read_manifest
from offline.rules.names import SUMS, beside
from offline.rules.openssl import Check
from offline.rules.refusal import Refused
from offline.rules.release import MANIFEST
from offline.rules.signatures import demand, signers
from offline.rules.sums import LARGEST as LARGEST_SUMS
from offline.rules.sums import read_sums
from offline.rules.tree import read_small
from offline.rules.wheel import record_digest

UNHASHED = ("RECORD", "RECORD.jws", "RECORD.p7s")


def findings(layout: Layout, release: Release, check: Check) -> list[str]:
    """One line for each thing that is not as it was installed; an empty list when all is well.

    The signed SHA256SUMS vouches for the bundle, the wheels' RECORDs for what was unpacked from them, and the receipt
    for the rest: byte code and the two `pyvenv.cfg`.
    """
    try:
        inventory, sha256 = read(release)
        content = release.receipt.read_bytes()
        receipt = json.loads(content)
        found = differences(release, inventory)
        if receipt.get("files_sha256") != sha256:
            found.append("changed: files.sha256 is not the one that the receipt names")
        kept_copy = layout.receipts / f"{receipt.get('operation', '')}.json"
        if not kept_copy.is_file() or kept_copy.read_bytes() != content:
            found.append("changed: the receipt is not the one in this site's chain")
        found += _links(release, str(receipt.get("python", "")))
        found += _signed(layout, release, inventory, check)
        return found + _recorded(release, inventory, str(receipt.get("tag", ""))) + overlays.findings(layout, check)
    except (Failed, Refused) as error:
        return [error.message]
    except (OSError, ValueError) as error:
        return [f"`{release.folder}` cannot be read: {error}"]


def _links(release: Release, python: str) -> list[str]:
    return [
        f"changed: {kind}/bin/python points elsewhere"
        for kind in KINDS
        if not release.python(kind).is_symlink() or str(release.python(kind).readlink()) != python
    ]


def _signed(layout: Layout, release: Release, inventory: Mapping[str, str], check: Check) -> list[str]:
    """The bundle is what was signed, by whom this site believes. Expiry is asked at an install only."""
    content = read_small(release.bundle / SUMS, LARGEST_SUMS)
    trust = kept(layout.trust)
    if trust is None:
        return ["missing: this site keeps no trust file"]
    listed = {f"{BUNDLE}/{path}": sha256 for path, sha256 in read_sums(content).files.items()}
    there = {path: sha256 for path, sha256 in inventory.items() if path.startswith(f"{BUNDLE}/")}
    odd = {path for path in there.keys() | listed.keys() if there.get(path) != listed.get(path)}
    strange = sorted(path for path in odd if not _beside(path))
    found = [f"changed: {path} is not what was signed" for path in strange]
    given = {
        kind: read_small(one, 64 * 1024)
        for one in release.bundle.iterdir()
        if (kind := beside(one.name)) is not None and not kind.approval and kind.form in {"ed25519", "p384"}
    }
    keys = trust.of("app")
    known = {(key.id, key.algorithm) for key in keys}
    given = {kind: one for kind, one in given.items() if (kind.id, kind.form) in known}
    demand("app", trust.threshold("app"), signers(content, given, keys, check))
    return found


def _beside(path: str) -> bool:
    name = path.removeprefix(f"{BUNDLE}/")
    return name == SUMS or beside(name) is not None


def _recorded(release: Release, inventory: Mapping[str, str], tag: str) -> list[str]:
    """Every file of an environment is one that a wheel brings, or byte code of one."""
    manifest = read_manifest(read_small(release.bundle / MANIFEST, LARGEST))
    found: list[str] = []
    for kind in KINDS:
        site = str(site_packages(release.folder / kind, tag).relative_to(release.folder))
        expected = _expected(release, manifest, kind, tag)
        there = {path: one for path, one in inventory.items() if path.startswith(f"{kind}/")}
        allowed = {f"{kind}/pyvenv.cfg"}
        for path, sha256 in there.items():
            name = path.removeprefix(f"{site}/")
            if path in allowed or (name in expected and expected[name] in {sha256, ""}):
                continue
            if path.startswith(f"{site}/") and _source(name) in expected:
                continue
            found.append(f"changed: {path} is not what its wheel brings")
        missing = sorted(name for name in expected if f"{site}/{name}" not in there)
        found += [f"missing: {site}/{name}" for name in missing]
    return found


def _source(name: str) -> str:
    """The source that byte code is of; the name itself for everything else."""
    folder, cached, file = name.rpartition("__pycache__/")
    if not cached or not file.endswith(".pyc"):
        return ""
    return f"{folder}{file.split('.', 1)[0]}.py"


def _expected(release: Release, manifest: Manifest, kind: str, tag: str) -> dict[str, str]:
    """Path below site-packages -> sha256, as the RECORDs say; empty for a file that RECORD does not hash."""
    expected: dict[str, str] = {}
    for entry in chosen(release.bundle, manifest, environment_for(manifest, kind, tag)):
        with zipfile.ZipFile(release.bundle / "wheels" / entry.file) as archive:
            name = next(one for one in archive.namelist() if one.endswith(".dist-info/RECORD"))
            info = name.split("/")[0]
            rows = list(csv.reader(io.StringIO(archive.read(name).decode())))
        hashes = {row[0]: _hex(row[1]) for row in rows if row[1]}
        if record_digest(hashes) != entry.record:
            raise Failed(f"the RECORD of `{entry.file}` is not the one that manifest.json names")
        for path in (row[0] for row in rows):
            target = destination(path, info)
            if target is not None:
                expected[target] = "" if path in {f"{info}/{one}" for one in UNHASHED} else hashes[path]
    return expected


def _hex(told: str) -> str:
    encoded = told.removeprefix("sha256=")
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).hex()
