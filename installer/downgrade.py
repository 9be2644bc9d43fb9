"""Permission to install a lower number: one line about one SHA256SUMS, signed by as many as sign a release.

A folder with `DOWNGRADE` (`redoubt-downgrade v1 sums-sha256=<64 hex>`) and `DOWNGRADE.<id>.<algorithm>.sig` beside it.
"""

from pathlib import Path

from offline.rules.names import ALGORITHMS, LONGEST_SIGNATURE, Beside, is_id
from offline.rules.openssl import Check
from offline.rules.refusal import Fault, Refused
from offline.rules.signatures import demand, signers
from offline.rules.tree import read_small
from offline.rules.trust import Trust

LINE = "DOWNGRADE"
LEAST = 2  # signers, whatever the trust file says


def check_token(folder: Path, sums_sha256: str, trust: Trust, check: Check) -> frozenset[str]:
    """Who signed. Raises Refused unless it is about this very SHA256SUMS and enough signed it."""
    line = read_small(folder / LINE, LONGEST_SIGNATURE)
    if line != f"redoubt-downgrade v1 sums-sha256={sums_sha256}\n".encode():
        raise Refused(Fault.ROLLBACK, "the downgrade token is not about this medium")
    given: dict[Beside, bytes] = {}
    for file in sorted(folder.glob(f"{LINE}.*.sig")):
        id_, _, algorithm = file.name.removeprefix(f"{LINE}.").removesuffix(".sig").rpartition(".")
        if not is_id(id_) or algorithm not in ALGORITHMS:
            raise Refused(Fault.NAME, f"`{file.name}` is no signature of a downgrade token")
        given[Beside(id_, algorithm, approval=False)] = read_small(file, LONGEST_SIGNATURE)
    by = signers(line, given, trust.of("app"), check)
    demand("app", max(LEAST, trust.threshold("app")), by)
    return frozenset(by)
