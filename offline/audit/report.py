"""What an audit found, as a document and as a page for people. It always says how good its data was."""

from datetime import datetime

import msgspec

from offline.audit.pins import Skip
from offline.audit.verdict import Verdict


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """The advisories it was judged by."""

    source: str
    commit: str
    seq: int
    created: str
    max_modified: str
    age_days: int
    state: str  # `fresh`, `warn` or `stale`
    records: int
    packages: int
    ecosystems: list[str]
    sha256: str
    signed_by: list[str]


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """One lock, one environment, or the native libraries."""

    kind: str
    where: str
    sha256: str
    locked: int
    audited: int
    skipped: list[Skip]
    unwatched: list[str] = []  # native libraries that no database knows: listed, never called clean


class Finding(msgspec.Struct, frozen=True, kw_only=True, order=True):
    package: str
    version: str
    id: str
    aliases: list[str]
    fixed_in: list[str]
    summary: str
    where: list[str]
    covered_until: str | None = None
    justification: str | None = None
    author: str | None = None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    locked: int
    audited: int
    skipped: int
    findings: int
    covered: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    verdict: str
    exit_code: int
    reasons: list[str]
    warnings: list[str]
    judged_at: str
    warn_days: int
    fail_days: int
    data: Data | None  # None when it could not be believed
    counts: Counts
    subjects: list[Subject]
    findings: list[Finding]

    @property
    def code(self) -> Verdict:
        return Verdict(self.exit_code)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def page(report: Report) -> str:
    """For people: verdict first, then why, then everything it rests on."""
    lines = [f"{report.verdict} (exit {report.exit_code})"]
    lines += [f"  {one}" for one in report.reasons]
    lines += [f"  warning: {one}" for one in report.warnings]
    lines += ["", *_data(report), "", "audited:"]
    for one in report.subjects:
        lines.append(f"  {one.kind} {one.where}: {one.locked} there, {one.audited} audited, {len(one.skipped)} skipped")
        lines.append(f"    sha256 {one.sha256}")
        lines += [f"    skipped `{skip.name}`: {skip.reason}" for skip in one.skipped]
        lines += [f"    watched by no database: {name}" for name in one.unwatched]
    counts = report.counts
    lines.append(f"  in all {counts.locked} there, {counts.audited} audited, {counts.skipped} skipped")
    lines += ["", f"findings: {counts.findings}, of which {counts.covered} answered for by VEX"]
    for finding in report.findings:
        lines += _finding(finding)
    return "\n".join(lines)


def _data(report: Report) -> list[str]:
    if report.data is None:
        return ["advisories: none that can be believed"]
    data = report.data
    return [
        f"advisories: {data.source} at {data.commit}, number {data.seq}, signed by {', '.join(data.signed_by)}",
        f"  newest change {data.max_modified}: {data.age_days} days old, {data.state}",
        f"  the policy warns at {report.warn_days} days and fails at {report.fail_days}",
        f"  {data.records} records of {data.packages} packages ({', '.join(data.ecosystems)})",
        f"  sha256 {data.sha256}",
    ]


def _finding(finding: Finding) -> list[str]:
    names = ", ".join([finding.id, *finding.aliases])
    lines = [
        f"  {finding.package} {finding.version}: {names}",
        f"    {finding.summary}",
        f"    fixed in {', '.join(finding.fixed_in) or 'no release yet'}; in {', '.join(finding.where)}",
    ]
    if finding.covered_until:
        lines.append(f"    VEX until {finding.covered_until}: {finding.justification} ({finding.author})")
    return lines
