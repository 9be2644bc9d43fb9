"""Virtual keys: how they look, how they are told from junk, how they are recognised.

`rdt_` + 30 base62 characters (178 random bits) + 6 base62 characters of CRC-32 over all that stands before. The
checksum lets a typo or junk be refused without a look-up; it is no secret. What is stored is HMAC-SHA256 under a
pepper: a password hash would only buy denial of service for a key this random.
"""

import hmac
import secrets
import string
import zlib
from collections.abc import Callable

from appliance.domain.secret import Secret

PREFIX = "rdt_"
BODY = 30
CHECK = 6
LENGTH = len(PREFIX) + BODY + CHECK
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_PAIRS = tuple(first + second for first in ALPHABET for second in ALPHABET)  # two digits at a time


def base62(number: int, length: int) -> str:
    """`number` in `length` digits; the digits above are cut off."""
    digits = ""
    while len(digits) < length:
        number, pair = divmod(number, len(_PAIRS))
        digits = _PAIRS[pair] + digits
    return digits[-length:]


def mint() -> Secret:
    """A new random key. Show it once, keep its digest."""
    text = PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(BODY))
    return Secret(text + base62(zlib.crc32(text.encode()), CHECK))


def parse(text: str) -> str | None:
    """The key, when prefix, length, alphabet and checksum are right; None for anything else."""
    if len(text) != LENGTH or not text.startswith(PREFIX) or not text.isascii():
        return None
    stem = text[:-CHECK]
    return text if text[-CHECK:] == base62(zlib.crc32(stem.encode()), CHECK) and stem[4:].isalnum() else None


def digest(pepper: bytes, key: str) -> bytes:
    """What the store knows a key by: 32 bytes."""
    return hmac.digest(pepper, key.encode(), "sha256")


def digester(pepper: bytes) -> Callable[[str], bytes]:
    """`digest` under one pepper, which is scheduled once: for those who ask at every request."""
    scheduled = hmac.new(pepper, digestmod="sha256")

    def of(key: str) -> bytes:
        mac = scheduled.copy()
        mac.update(key.encode())
        return mac.digest()

    return of


def hint(key: str) -> str:
    """`rdt_LcKW…5csD`: enough for a person to tell two keys apart, 8 of 36 characters."""
    return f"{key[:8]}…{key[-4:]}"
