"""Known vulnerabilities of the staged release, judged by its own tools over the advisories at hand."""

from installer.failure import Failed
from installer.work import Work

WITHIN = 300.0
STALE, INCOMPLETE = 20, 21
PASSED = (0, 11)  # clean; known ones, each answered for by VEX
MEANING = {
    10: "it has known vulnerabilities",
    STALE: "the advisories are too old",
    INCOMPLETE: "something was not audited",
    22: "the advisories are unsigned or broken",
    30: "the audit itself failed",
}


class Audit:
    """The gate. Only old advisories can be overruled, with a reason. A trial is warned of them, and goes on."""

    name = "audit"

    def do(self, work: Work) -> None:
        trust = work.new.bundle / "trust" / f"{work.facts['trust_number']}.trust"
        believed = trust if trust.exists() else work.layout.trust / trust.name
        words = ("audit", "run", "--trust", str(believed), *self._without_natives(work))
        ran = work.means.gateway(work.new, words, kind="tools", within=WITHIN)
        work.note(audit=ran.code)
        if ran.code in PASSED:
            return
        why = MEANING.get(ran.code, f"it ended with {ran.code}")
        reason = work.facts.get("accepted", {}).get("stale_advisories")
        reasons = (
            "; ".join(line.strip() for line in ran.out.splitlines()[1:4] if line.startswith("  ")) or ran.last_words
        )
        if ran.code == STALE and reason:
            work.means.progress.say(f"warning: {why}, accepted: {reason}")
            return
        if ran.code == STALE and work.facts.get("mode") == "trial":
            work.means.progress.say(f"warning: {why}; this is a trial, so it goes on, and a site would not ({reasons})")
            return
        advice = "; carry newer ones, or give `--accept-stale-advisories REASON`" if ran.code == STALE else ""
        raise Failed(f"release `{work.new.id}` is not put into service: {why}{advice}: {reasons}")

    @staticmethod
    def _without_natives(work: Work) -> tuple[str, ...]:
        """The audit's own report then says so, and why."""
        trial = "a trial" if work.facts.get("mode") == "trial" else ""
        reason = work.facts.get("accepted", {}).get("unwatched_natives") or trial
        return ("--without-natives", reason) if reason else ()

    def undo(self, work: Work) -> None:
        """It changed nothing."""
