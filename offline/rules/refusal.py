"""Why something must not be installed."""

from enum import StrEnum


class Fault(StrEnum):
    """One word for each way a bundle can be wrong."""

    FORMAT = "format"  # a file that does not read as what it must be
    HEADER = "header"  # the first line of SHA256SUMS
    PRODUCT = "product"  # made for something else
    CHANNEL = "channel"
    ARCHITECTURE = "architecture"
    EXPIRED = "expired"
    CLOCK = "clock"  # the host's clock is behind what is known
    ROLLBACK = "rollback"  # a lower number than the site has seen
    GAP = "gap"  # too far ahead of what is installed
    TRUST = "trust"  # the trust file itself, its fingerprint or its chain
    SIGNATURE = "signature"  # one that is there and wrong
    THRESHOLD = "threshold"  # too few distinct signers
    NAME = "name"  # a path or file name that is not allowed
    KIND = "kind"  # a link, a device, a pipe, a socket
    MODE = "mode"  # setuid, setgid, or writable by others
    UNLISTED = "unlisted"  # there and not in SHA256SUMS
    MISSING = "missing"  # in SHA256SUMS and not there
    HASH = "hash"
    SIZE = "size"
    MANIFEST = "manifest"  # it says something else than what lies there
    LOCK = "lock"  # locks and wheels are not one to one
    RECORD = "record"  # a wheel's RECORD does not match its content
    WHEEL = "wheel"  # a wheel's structure: names, traversal, `.data`, doubled members
    STARTUP = "startup"  # code that would run at every start of the interpreter: .pth, sitecustomize
    PLATFORM = "platform"  # tags above the glibc floor, or for another machine
    APPROVAL = "approval"  # the reviewer's countersignature
    ARCHIVE = "archive"  # a tar that does not unpack safely
    TOOL = "tool"  # openssl or another program of the host is missing or cannot do it
    READ = "read"  # the medium or the disk failed


class Refused(Exception):
    """What was found, to which thing, and what to do now. Nothing of the medium has run."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message

    def __str__(self) -> str:
        return f"{self.message} [{self.fault}]"
