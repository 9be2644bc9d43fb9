"""START-HERE.txt: the page of the installer's source with this release's facts put in."""

import re
from collections.abc import Mapping

from offline.failure import Failure
from offline.rules.moments import write_moment
from offline.rules.sums import Header
from offline.rules.trust import Trust, fingerprint

_PLACE = re.compile(r"@([A-Z_]+)@")


def facts(header: Header, commit: str, trust: Trust) -> dict[str, str]:
    """What a page may name, as `@NAME@`."""
    signers = {key.id for key in trust.of(header.channel)}
    return {
        "ARCH": header.arch,
        "COMMIT": commit,
        "CREATED": write_moment(header.created),
        "EXPIRES": write_moment(header.expires),
        "FINGERPRINT": fingerprint(str(trust).encode()),
        "FOLDER": f"{header.product}-{header.version}-{header.arch}",
        "KEYS": "\n".join(f"  trust/{pem_name(key.role, key.id, key.algorithm)}" for key in trust.of(header.channel)),
        "MIN_FROM": str(header.min_from),
        "SEQ": str(header.seq),
        "SIGNERS": ", ".join(sorted(signers)),
        "THRESHOLD": str(trust.threshold(header.channel)),
        "TRUST": str(trust.number),
        "VERSION": header.version,
    }


def render(page: str, told: Mapping[str, str]) -> str:
    """Raises Failure for a place that no fact fills."""
    if unknown := sorted(set(_PLACE.findall(page)) - told.keys()):
        raise Failure(f"the page asks for `@{unknown[0]}@`; there are {', '.join(sorted(told))}")
    return _PLACE.sub(lambda found: told[found[1]], page)


def pem_name(role: str, id_: str, algorithm: str) -> str:
    """The file of a key below `trust/`, for typing by hand."""
    return f"{role}.{id_}.{algorithm}.pem"
