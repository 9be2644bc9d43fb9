"""What an audit comes to: exit codes, and which of them wins when there are several."""

from enum import IntEnum


class Verdict(IntEnum):
    """Also the exit code."""

    CLEAN = 0
    FINDINGS = 10  # a known vulnerability that nobody explained
    COVERED = 11  # known vulnerabilities, each explained by a VEX entry that has not expired
    STALE = 20  # the advisory data is older than the policy allows
    INCOMPLETE = 21  # something was not audited
    BAD_DATA = 22  # the advisory data is unsigned, wrongly signed, broken or empty
    INTERNAL = 30  # the audit itself failed


# The first that applies. Without data nothing else means anything; a finding is a fact whatever else is missing;
# that nothing was found is believed only when the audit was complete and the data fresh.
PRECEDENCE = (
    Verdict.INTERNAL,
    Verdict.BAD_DATA,
    Verdict.FINDINGS,
    Verdict.INCOMPLETE,
    Verdict.STALE,
    Verdict.COVERED,
    Verdict.CLEAN,
)


def worst(found: set[Verdict]) -> Verdict:
    """CLEAN when there is none."""
    return next(one for one in PRECEDENCE if one in {*found, Verdict.CLEAN})
