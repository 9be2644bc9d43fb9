"""Virtual keys: how they look, how they are told from junk, how they are recognised.

`rdt_` + 30 base62 characters (178 random bits) + 6 base62 characters of CRC-32 over all that stands before. The
checksum lets a typo or junk be refused without a look-up; it is no secret. What is stored is HMAC-SHA256 under a
pepper: a password hash would only buy denial of service for a key this random.
"""

import hmac
import secrets
import string
import zlib

from appliance.domain.secret import Secret

PREFIX = "rdt_"
BODY = 30
CHECK = 6
LENGTH = len(PREFIX) + BODY + CHECK
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase


def base62(number: int, length: int) -> str:
    """`number` in `length` digits; the digits above are cut off."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


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


def hint(key: str) -> str:
    """`rdt_LcKW…5csD`: enough for a person to tell two keys apart, 8 of 36 characters."""
    return f"{key[:8]}…{key[-4:]}"
