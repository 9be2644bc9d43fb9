"""Whether a folder is what its signers made, for this site, now. Steps 1 to 4 of docs/decisions/0009, any channel."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from offline.rules.moments import write_moment
from offline.rules.names import ALGORITHMS, LONGEST_SIGNATURE, SUMS, Beside, is_id
from offline.rules.openssl import Check
from offline.rules.refusal import Fault, Refused
from offline.rules.signatures import demand, signers
from offline.rules.sums import LARGEST, PRODUCT, Header, Sums, read_sums
from offline.rules.tree import Progress, Tree, check_hashes, check_listing, look, read_small
from offline.rules.trust import LARGEST as LARGEST_TRUST
from offline.rules.trust import Trust, fingerprint, read_trust

SLACK = timedelta(days=1)  # how far a clock may be behind what was signed
PROVENANCE = "provenance.json"
REVIEWED = "app"  # the channel of what may be approved; who approved it is judged by `release.check_approval`


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the one who asks knows and wants."""

    channel: str
    arch: str  # of this host
    now: datetime  # the host's clock
    known: datetime  # the newest moment this site has verified; the clock may lie
    seq: int | None = None  # the newest this site has accepted in that channel
    installed: int | None = None  # the one installed now
    accept_expired: bool = False  # a recorded reason was given
    accept_clock: bool = False  # the same
    accept_older: bool = False  # a downgrade token of two signers was given


@dataclass(frozen=True)
class Verified:
    """A folder that is what was signed, for this site, now."""

    sums: Sums
    sha256: str  # of SHA256SUMS
    by: frozenset[str]  # ids
    trust: Trust


def verify(folder: Path, trust: Trust, asked: Asked, check: Check, progress: Progress | None = None) -> Verified:
    """Raises Refused; nothing of the folder is run, unpacked or believed before that is decided."""
    tree = look(folder)
    if asked.channel != REVIEWED and (approvals := [name for name, kind in tree.beside.items() if kind.approval]):
        raise Refused(Fault.APPROVAL, f"`{approvals[0]}` approves an SBOM, and only a release has one")
    content = read_small(folder / SUMS, LARGEST)
    by = _signed_by(tree, content, trust, asked.channel, check)
    sums = read_sums(content)
    check_header(sums.header, asked)
    check_listing(tree, sums.files)
    check_hashes(tree, sums.files, progress)
    return Verified(sums, hashlib.sha256(content).hexdigest(), frozenset(by), trust)


def _signed_by(tree: Tree, content: bytes, trust: Trust, channel: str, check: Check) -> set[str]:
    given = {
        kind: read_small(tree.folder / name, LONGEST_SIGNATURE)
        for name, kind in tree.beside.items()
        if not kind.approval
    }
    provenance = b""
    if any(kind.form == "dsse" for kind in given):
        provenance = read_small(tree.folder / PROVENANCE, LARGEST)
    threshold = trust.threshold(channel)
    by = signers(content, given, trust.of(channel), check, provenance)
    demand(channel, threshold, by)
    return by


def check_header(header: Header, asked: Asked) -> None:
    """Raises Refused when the bundle is not for this product, channel, machine, moment or place in the order."""
    if header.product != PRODUCT:
        raise Refused(Fault.PRODUCT, f"this is a bundle of `{header.product}`, not of `{PRODUCT}`")
    if header.channel != asked.channel:
        raise Refused(Fault.CHANNEL, f"this is of the channel `{header.channel}`; `{asked.channel}` was asked for")
    if header.arch not in {"any", asked.arch}:
        raise Refused(Fault.ARCHITECTURE, f"this is for `{header.arch}`; the machine is `{asked.arch}`")
    if asked.now < max(asked.known, header.created) - SLACK and not asked.accept_clock:
        raise Refused(
            Fault.CLOCK,
            f"the clock says {write_moment(asked.now)}, before {write_moment(max(asked.known, header.created))}, "
            "which was signed already; set the clock, or accept it with a reason",
        )
    if max(asked.now, asked.known) > header.expires and not asked.accept_expired:
        raise Refused(
            Fault.EXPIRED,
            f"this expired on {write_moment(header.expires)}; ask for a newer one, or accept it with a reason",
        )
    if asked.seq is not None and header.seq < asked.seq and not asked.accept_older:
        raise Refused(
            Fault.ROLLBACK, f"this has number {header.seq}; the site has seen {asked.seq} and goes back to none before"
        )
    if asked.installed is not None and asked.installed < header.min_from:
        raise Refused(
            Fault.GAP, f"this wants number {header.min_from} or later installed, and here is {asked.installed}"
        )


def first_trust(content: bytes, paper: str) -> Trust:
    """The trust file a site begins with. `paper`: the fingerprint as typed, in any grouping. Raises Refused."""
    typed = re.sub(r"[\s:-]", "", paper).lower()
    if typed != fingerprint(content).replace(" ", ""):
        raise Refused(
            Fault.TRUST,
            f"the trust file has the fingerprint {fingerprint(content)}, which is not the one given; compare the paper",
        )
    return read_trust(content)


def follow(start: Trust, folder: Path, check: Check) -> list[bytes]:
    """The trust files that lead on from `start`, oldest first, as the folder holds them.

    Each must be signed by the `root` threshold of the one before and by its own. Raises Refused for a link that is
    there and wrong. An empty list: there is nothing newer.
    """
    links: list[bytes] = []
    now = start
    while (file := folder / f"{now.number + 1}.trust").exists():
        content = read_small(file, LARGEST_TRUST)
        following = read_trust(content)
        if following.number != now.number + 1 or following.product != now.product or following.created < now.created:
            raise Refused(Fault.TRUST, f"`{file.name}` does not follow trust file {now.number}")
        given = _signatures_of(file)
        roots = {(key.id, key.algorithm) for trust in (now, following) for key in trust.of("root")}
        if strangers := sorted(kind.id for kind in given if (kind.id, kind.form) not in roots):
            raise Refused(
                Fault.SIGNATURE, f"`{strangers[0]}` is `root` in neither trust file, but signed `{file.name}`"
            )
        for trust in (now, following):
            keys = trust.of("root")
            known = {(key.id, key.algorithm) for key in keys}
            own = {kind: signed for kind, signed in given.items() if (kind.id, kind.form) in known}
            demand("root", trust.threshold("root"), signers(content, own, keys, check))
        links.append(content)
        now = following
    return links


def _signatures_of(file: Path) -> dict[Beside, bytes]:
    found: dict[Beside, bytes] = {}
    for one in sorted(file.parent.glob(f"{file.name}.*.sig")):
        id_, _, algorithm = one.name.removeprefix(f"{file.name}.").removesuffix(".sig").rpartition(".")
        if not is_id(id_) or algorithm not in ALGORITHMS:
            raise Refused(Fault.NAME, f"`{one.name}` is no signature of a trust file")
        found[Beside(id_, algorithm, approval=False)] = read_small(one, LONGEST_SIGNATURE)
    return found


def check_trust_time(trust: Trust, asked: Asked) -> None:
    """Raises Refused when the trust itself is past its time and nobody accepted that."""
    if max(asked.now, asked.known) > trust.expires and not asked.accept_expired:
        raise Refused(
            Fault.EXPIRED,
            f"trust file {trust.number} expired on {write_moment(trust.expires)}; bring a newer one, or accept it "
            "with a reason",
        )
