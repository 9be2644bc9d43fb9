"""Run an audit: count what must be looked up, let pip-audit look it up, and believe the result only when they agree."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from offline.advisories.fault import BadAdvisories
from offline.audit.library import Answer, Hit, ServiceFailed, SnapshotService, ask
from offline.audit.natives import Natives, ask_natives
from offline.audit.pins import Demand, Native, Skip
from offline.audit.report import Counts, Data, Finding, Report, Subject, stamp
from offline.audit.standing import Standing
from offline.audit.verdict import Verdict, worst
from offline.audit.vex import Vex

AHEAD = timedelta(days=1)  # how far data may be ahead of the clock before one of them is wrong


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How old advisory data may be, counted from its newest change."""

    warn_days: int = 30
    fail_days: int = 90

    def __post_init__(self) -> None:
        if not 0 <= self.warn_days <= self.fail_days:
            raise ValueError(f"warning at {self.warn_days} days comes after failing at {self.fail_days}")


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to audit, and how to judge."""

    demands: Sequence[Demand]
    natives: Sequence[Native] = ()
    without_natives: str | None = None  # the reason somebody gave for leaving them out
    policy: Policy = Policy()
    vex: Vex
    now: datetime  # the later of the host's clock and the newest moment this site has verified


Progress = Callable[[str], None]
_Ask = Callable[[Demand], Answer]


def age_days(standing: Standing, now: datetime) -> int:
    """Whole days since the newest change in the data."""
    return max(0, (now - standing.snapshot.max_modified).days)


def state(standing: Standing, policy: Policy, now: datetime) -> str:
    """`fresh`, `warn` or `stale`: at the day named, not after it."""
    age = age_days(standing, now)
    return "stale" if age >= policy.fail_days else "warn" if age >= policy.warn_days else "fresh"


def audit(job: Job, data: Standing | BadAdvisories, progress: Progress | None = None) -> Report:
    """Always a report; it is green only when everything was looked up in data that may be believed."""
    if isinstance(data, BadAdvisories):
        return _report(job, None, [], [], {Verdict.BAD_DATA: [str(data)]})
    reasons: dict[Verdict, list[str]] = {}
    if not data.snapshot.holds("PyPI"):
        reasons[Verdict.BAD_DATA] = ["the data knows nothing of PyPI, so its silence about a package means nothing"]
    if data.snapshot.created > job.now + AHEAD:
        reasons[Verdict.BAD_DATA] = [f"the data was made {data.snapshot.meta.created}, after now; one of them is wrong"]
    service = SnapshotService(data.snapshot)
    try:
        subjects, hits = _ask_all(job, data, lambda demand: ask(service, demand), progress)
    except ServiceFailed as error:
        return _report(job, data, [], [], {Verdict.INTERNAL: [str(error)]})
    findings = _findings(job, hits)
    for verdict, told in _judged(job, data, subjects, findings):
        reasons.setdefault(verdict, []).append(told)
    return _report(job, data, subjects, findings, reasons)


def _ask_all(
    job: Job, data: Standing, asking: _Ask, progress: Progress | None
) -> tuple[list[Subject], list[tuple[str, Hit]]]:
    subjects: list[Subject] = []
    hits: list[tuple[str, Hit]] = []
    for demand in job.demands:
        if progress is not None:
            progress(f"auditing {demand.where}: {len(demand.pins)} packages")
        answer = asking(demand)
        subjects.append(_subject(demand, answer))
        hits += [(demand.where, hit) for hit in answer.hits]
    if job.natives:
        told = ask_natives(data.snapshot, job.natives)
        subjects.append(_native_subject(told))
        hits += [("native libraries", hit) for hit in told.hits]
    return subjects, hits


def _subject(demand: Demand, answer: Answer) -> Subject:
    """Both ways: what we counted and it did not audit, and what it audited and we did not count."""
    named = {skip.name for skip in answer.skipped}
    missed = [
        Skip(str(one), "pip-audit left it out, for a marker or otherwise")
        for one in sorted(demand.pins - answer.audited)
        if one.name not in named
    ]
    surplus = [Skip(str(one), "was audited but not counted") for one in sorted(answer.audited - demand.pins)]
    return Subject(
        kind=demand.kind,
        where=demand.where,
        sha256=demand.sha256,
        locked=len(demand.pins) + len(demand.skipped),
        audited=len(answer.audited & demand.pins),
        skipped=sorted({*demand.skipped, *answer.skipped, *missed, *surplus}),
    )


def _native_subject(told: Natives) -> Subject:
    return Subject(
        kind="native",
        where="native libraries",
        sha256=told.sha256,
        locked=told.audited + len(told.skipped),
        audited=told.audited,
        skipped=list(told.skipped),
        unwatched=list(told.unwatched),
    )


def _findings(job: Job, hits: Sequence[tuple[str, Hit]]) -> list[Finding]:
    places: dict[Hit, list[str]] = {}
    for where, hit in hits:
        places.setdefault(hit, []).append(where)
    return sorted(_finding(job, hit, where) for hit, where in places.items())


def _finding(job: Job, hit: Hit, where: list[str]) -> Finding:
    covers = [job.vex.cover(name, hit.pin.name, hit.pin.version) for name in (hit.id, *hit.aliases)]
    cover = next((one for one in covers if one is not None and one.until > job.now), None)
    return Finding(
        package=hit.pin.name,
        version=hit.pin.version,
        id=hit.id,
        aliases=list(hit.aliases),
        fixed_in=list(hit.fixed_in),
        summary=hit.summary,
        where=where,
        covered_until=stamp(cover.until) if cover else None,
        justification=cover.justification if cover else None,
        author=cover.author if cover else None,
    )


def _judged(
    job: Job, data: Standing, subjects: Sequence[Subject], findings: Sequence[Finding]
) -> list[tuple[Verdict, str]]:
    told: list[tuple[Verdict, str]] = []
    if not subjects:
        told.append((Verdict.INCOMPLETE, "nothing was named to be audited"))
    for one in subjects:
        if not one.locked and not one.unwatched:
            told.append((Verdict.INCOMPLETE, f"`{one.where}` names no package; there was nothing to audit"))
        if one.audited != one.locked or one.skipped:
            said = f"`{one.where}`: {one.audited} of {one.locked} audited, {len(one.skipped)} skipped"
            told.append((Verdict.INCOMPLETE, said))
    open_ = [one for one in findings if one.covered_until is None]
    if open_:
        told.append((Verdict.FINDINGS, f"{len(open_)} known vulnerabilities that nobody has answered for"))
    if len(findings) > len(open_):
        told.append((Verdict.COVERED, f"{len(findings) - len(open_)} known vulnerabilities, answered for by VEX"))
    if state(data, job.policy, job.now) == "stale":
        age = age_days(data, job.now)
        said = f"the advisories are {age} days old; {job.policy.fail_days} are too many: import newer ones"
        told.append((Verdict.STALE, said))
    return told


def _report(
    job: Job,
    data: Standing | None,
    subjects: Sequence[Subject],
    findings: Sequence[Finding],
    reasons: dict[Verdict, list[str]],
) -> Report:
    verdict = worst(set(reasons))
    warnings = []
    if job.without_natives:
        warnings.append(f"libraries inside wheels were left out: {job.without_natives}")
    if data is not None and state(data, job.policy, job.now) == "warn":
        warnings.append(f"the advisories are {age_days(data, job.now)} days old: import newer ones soon")
    return Report(
        verdict=verdict.name.lower().replace("_", " "),
        exit_code=verdict.value,
        reasons=[one for kind in sorted(reasons) for one in reasons[kind]],
        warnings=warnings,
        judged_at=stamp(job.now.astimezone(UTC)),
        warn_days=job.policy.warn_days,
        fail_days=job.policy.fail_days,
        data=None if data is None else _data(job, data),
        counts=Counts(
            locked=sum(one.locked for one in subjects),
            audited=sum(one.audited for one in subjects),
            skipped=sum(len(one.skipped) for one in subjects),
            findings=len(findings),
            covered=sum(one.covered_until is not None for one in findings),
        ),
        subjects=list(subjects),
        findings=list(findings),
    )


def _data(job: Job, data: Standing) -> Data:
    meta = data.snapshot.meta
    return Data(
        source=", ".join(one.name for one in meta.sources),
        commit=", ".join(one.commit for one in meta.sources),
        seq=meta.seq,
        created=meta.created,
        max_modified=meta.max_modified,
        age_days=age_days(data, job.now),
        state=state(data, job.policy, job.now),
        records=meta.counts.records,
        packages=meta.counts.packages,
        ecosystems=meta.ecosystems,
        sha256=data.snapshot.sha256,
        signed_by=list(data.by),
    )
