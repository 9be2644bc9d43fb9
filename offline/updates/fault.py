"""Why a medium of updates is refused."""

from enum import StrEnum


class Fault(StrEnum):
    ROLLBACK = "rollback"  # older than what this site has seen
    EXPIRED = "expired"  # nobody has vouched for it lately: perhaps somebody keeps newer ones away
    CLOCK = "clock"  # the host's clock is behind what was signed
    SIGNATURES = "signatures"  # fewer than the role's threshold, or by keys that are not its own any more
    CHANNEL = "channel"  # a channel carries what is another's
    MIXED = "mixed"  # metadata of two media, or altered
    ALTERED = "altered"  # a packed folder is not what was signed
    UNREADABLE = "unreadable"  # no metadata, or not TUF's
    UNKNOWN = "unknown"  # not on this medium
    BUSY = "busy"  # another look at a medium is at work on this site
    KEYS = "keys"  # making one: the wrong keys, or too few


class UpdateRefused(Exception):
    """What was found, to which thing, and what to do now. The site's state is as it was, but for newer root keys."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message

    def __str__(self) -> str:
        return f"{self.message} [{self.fault}]"
