"""How fresh the advisories of a site are: for a person, for monitoring, and for a gate before an upgrade."""

from datetime import datetime

import msgspec

from offline.advisories.fault import BadAdvisories
from offline.advisories.site import Receipt, Site
from offline.audit.run import Policy, age_days, state
from offline.audit.standing import Standing
from offline.audit.verdict import Verdict


class Status(msgspec.Struct, frozen=True, kw_only=True):
    state: str  # `fresh`, `warn`, `stale` or `none`
    exit_code: int
    age_days: int | None
    seq: int | None
    source: str | None
    commit: str | None
    max_modified: str | None
    signed_by: list[str]
    warn_days: int
    fail_days: int
    reason: str | None  # why there is none
    last: Receipt | None  # what became of the last arrival


def status_of(site: Site, data: Standing | BadAdvisories, policy: Policy, now: datetime) -> Status:
    """`data`: what is in use, or why it cannot be."""
    if isinstance(data, BadAdvisories):
        return Status(
            state="none",
            exit_code=Verdict.BAD_DATA.value,
            age_days=None,
            seq=None,
            source=None,
            commit=None,
            max_modified=None,
            signed_by=[],
            warn_days=policy.warn_days,
            fail_days=policy.fail_days,
            reason=str(data),
            last=site.last(),
        )
    meta, found = data.snapshot.meta, state(data, policy, now)
    return Status(
        state=found,
        exit_code=Verdict.STALE.value if found == "stale" else 0,
        age_days=age_days(data, now),
        seq=meta.seq,
        source=", ".join(one.name for one in meta.sources),
        commit=", ".join(one.commit for one in meta.sources),
        max_modified=meta.max_modified,
        signed_by=list(data.by),
        warn_days=policy.warn_days,
        fail_days=policy.fail_days,
        reason=None,
        last=site.last(),
    )


def line(told: Status) -> str:
    """For people."""
    last = f"; last arrival: {told.last.file} {told.last.result} {told.last.at}" if told.last else ""
    if told.last and told.last.reason:
        last += f" ({told.last.reason})"
    if told.state == "none":
        return f"no advisories that can be believed: {told.reason}{last}"
    return (
        f"{told.state}: number {told.seq}, newest change {told.max_modified}, {told.age_days} days old "
        f"(warns at {told.warn_days}, fails at {told.fail_days}){last}"
    )
