"""Whether what lies in staging may be installed here, now: rules 1 to 5 of docs/decisions/0009."""

import base64
import binascii
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from installer import trusting
from installer.downgrade import check_token
from installer.installed import Installed, read_installed, read_site
from installer.work import Work
from offline.rules.manifest import Manifest
from offline.rules.names import SUMS, beside, is_id
from offline.rules.refusal import Fault, Refused
from offline.rules.release import check_approval, check_release, identity
from offline.rules.sums import LARGEST as LARGEST_SUMS
from offline.rules.tree import read_small
from offline.rules.trust import LENGTHS, Key
from offline.rules.verify import Asked, Verified, check_trust_time, verify

LARGEST_KEY = 16 * 1024  # bytes


class Accepted(NamedTuple):
    """A release that may be installed."""

    manifest: Manifest
    verified: Verified
    release: str  # its name here
    trust: list[bytes]  # files to keep


def asked_of(work: Work, installed: Installed) -> Asked:
    """What this site knows, and what was overruled with a reason."""
    accepted: dict[str, Any] = work.facts.get("accepted", {})
    return Asked(
        channel="app",
        arch=work.means.arch,
        now=work.means.now(),
        known=installed.known_moment,
        seq=installed.highest or None,
        installed=installed.seq if installed.release else None,
        accept_expired=bool(accepted.get("expired")),
        accept_clock=bool(accepted.get("clock")),
    )


def accept(work: Work, bundle: Path) -> Accepted:
    """Raises Refused, with nothing of the bundle run, unpacked or believed."""
    installed = read_installed(work.layout)
    asked = asked_of(work, installed)
    progress, check = work.means.progress, work.means.check
    trust, new = trusting.believed(
        work.layout.trust, bundle / "trust", work.facts.get("trust", ""), work.facts.get("fingerprint", ""), check
    )
    check_trust_time(trust, asked)
    sums = read_small(bundle / SUMS, LARGEST_SUMS)
    if token := work.facts.get("downgrade"):
        by = check_token(Path(token), hashlib.sha256(sums).hexdigest(), trust, check)
        work.note(downgrade_by=sorted(by))
        asked = replace(asked, accept_older=True)
    verified = verify(bundle, trust, asked, check, progress.thing)
    progress.expect_things(0)
    manifest = check_release(bundle, verified.sums, progress.thing)
    _check_approvals(work, bundle, verified)
    return Accepted(manifest, verified, identity(sums, manifest.version), new)


def _check_approvals(work: Work, bundle: Path, verified: Verified) -> None:
    line = work.facts.get("approval") or read_site(work.layout).approval
    given = {kind.id for one in bundle.iterdir() if (kind := beside(one.name)) is not None and kind.approval}
    if not line:
        if given:
            raise Refused(
                Fault.APPROVAL,
                f"there is an approval by `{min(given)}`, whom this site does not ask; give that reviewer's key with "
                "`--require-approval`, or carry the medium without it",
            )
        return
    reviewer = key_of(line)
    if stranger := sorted(given - {reviewer.id}):
        raise Refused(Fault.APPROVAL, f"there is an approval by `{stranger[0]}`; this site asks `{reviewer.id}`")
    check_approval(bundle, verified.sums, reviewer, work.means.check)


def key_of(line: str) -> Key:
    """A line `approval id algorithm key`, as `site.json` keeps it."""
    role, id_, algorithm, encoded = line.split(" ")
    return Key(role, id_, algorithm, base64.b64decode(encoded))


def read_reviewer(file: Path) -> str:
    """The reviewer's public key, PEM; the file is named for their id: `carol.pem`. Raises Refused."""
    id_ = file.name.split(".", 1)[0]
    text = read_small(file, LARGEST_KEY).decode("ascii", "replace")
    body = "".join(line for line in text.splitlines() if not line.startswith("-----"))
    try:
        spki = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        spki = b""
    algorithm = next((name for name, length in LENGTHS.items() if length == len(spki)), "")
    if not is_id(id_) or not algorithm:
        raise Refused(Fault.APPROVAL, f"`{file}` is no public key named for its holder, such as `carol.pem`")
    return str(Key("approval", id_, algorithm, spki))
