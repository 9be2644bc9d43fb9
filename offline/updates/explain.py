"""python-tuf's errors in the words of somebody who holds a medium in their hand."""

from pathlib import Path

import msgspec
from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    UnsignedMetadataError,
)

from offline.rules.refusal import Refused
from offline.rules.tree import read_small
from offline.updates.fault import Fault, UpdateRefused
from offline.updates.metadata import METADATA

_MOST_TIMESTAMP = 16 * 1024


class _Signed(msgspec.Struct):
    version: int


class _Timestamp(msgspec.Struct):
    signed: _Signed


def explained(error: Exception, medium: Path, cache: Path) -> UpdateRefused:
    """Which fault it is, and what to do now."""
    if isinstance(error, ExpiredMetadataError):
        return UpdateRefused(
            Fault.EXPIRED, f"{error}; ask for a newer medium, or accept this one with a reason (`--accept-expired`)"
        )
    if isinstance(error, BadVersionNumberError):
        return _older(error, medium, cache)
    if isinstance(error, UnsignedMetadataError):
        return UpdateRefused(
            Fault.SIGNATURES, f"{error}: too few of those who may sign it did, or their keys were revoked"
        )
    if isinstance(error, LengthOrHashMismatchError | DownloadLengthMismatchError):
        return UpdateRefused(
            Fault.MIXED, f"the medium's metadata does not belong together ({error}); it was altered, or is of two media"
        )
    if isinstance(error, DownloadHTTPError):
        return UpdateRefused(Fault.UNREADABLE, f"{error}; this is no medium of updates, or a part is missing")
    return UpdateRefused(Fault.UNREADABLE, f"the medium's metadata does not read: {' '.join(str(error).split())[:300]}")


def _older(error: Exception, medium: Path, cache: Path) -> UpdateRefused:
    here, there = _number(cache / "timestamp.json"), _number(medium / METADATA / "timestamp.json")
    if here is not None and there is not None and there < here:
        said = f"the medium has number {there}; this site has seen {here} and goes back to none before"
        return UpdateRefused(Fault.ROLLBACK, said)
    return UpdateRefused(Fault.ROLLBACK, f"a channel of the medium is older than what this site has seen ({error})")


def _number(file: Path) -> int | None:
    try:
        return msgspec.json.decode(read_small(file, _MOST_TIMESTAMP), type=_Timestamp).signed.version
    except (Refused, msgspec.MsgspecError):
        return None
