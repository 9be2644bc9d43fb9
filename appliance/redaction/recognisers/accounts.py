"""Bank accounts and wallets.

IBAN: ISO 13616, lengths of the SWIFT registry, ISO/IEC 7064 MOD 97-10. Wallets: Bitcoin's Base58Check (version byte
and double SHA-256) and BIP-173/BIP-350 Bech32.
"""

import hashlib
from collections.abc import Iterator
from typing import Final

from appliance.domain.privacy import Entity, Finding
from appliance.redaction.recognisers.checksums import mod_97
from appliance.redaction.recognisers.recogniser import apart, compiled, word

IBAN_CODE: Final = Entity("IBAN_CODE")
TABLE: Final = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 "
    "EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 "
    "JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 "
    "NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 "
    "TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30 "
)
LENGTHS: Final = {one[:2]: int(one[2:]) for one in TABLE.split()}


class Ibans:
    """The country says how long the number is, so words behind it do not join it. Any case; spaces or dashes."""

    entities = (IBAN_CODE,)
    gate = r"[A-Za-z]{2}[ \-]?[0-9]{2}(?:[ \-]?[A-Za-z0-9]){11}"

    def __init__(self) -> None:
        self._head = compiled(rf"\b{self.gate}")

    def scan(self, plain: bytes) -> Iterator[Finding]:
        at = 0
        while head := self._head.search(plain, at):
            start = head.start()
            end = _reach(plain, start, LENGTHS.get(plain[start : start + 2].decode().upper(), 0))
            if end and apart(plain, start, end) and _checked(plain[start:end]):
                yield Finding(start, end, IBAN_CODE, 1.0, sure=True)
                at = end
            else:
                at = start + 2


def _reach(plain: bytes, start: int, length: int) -> int:
    """Where `length` letters and digits from `start` end, single spaces and dashes apart; 0 when there are fewer."""
    at, count = start, 0
    while count < length and at < len(plain):
        if plain[at : at + 1].isalnum() and plain[at] < 0x80:
            count += 1
        elif plain[at] not in b" -" or not word(plain[at - 1]):
            return 0
        at += 1
    return at if length and count == length else 0


def _checked(found: bytes) -> bool:
    text = found.translate(None, b" -").decode().upper()
    return mod_97(text[4:] + text[:4]) == 1


BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BECH32_FACTORS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
BECH32_ENDINGS: Final = {1, 0x2BC830A3}  # BIP-173, BIP-350


def base58(text: bytes) -> bool:
    number = 0
    for character in text.decode():
        number = number * 58 + BASE58.index(character)
    if number >= 1 << 200:
        return False
    raw = number.to_bytes(25, "big")
    return hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


def bech32(text: bytes) -> bool:
    human, _, data = text.decode().lower().rpartition("1")
    values = [ord(one) >> 5 for one in human] + [0] + [ord(one) & 31 for one in human]
    state = 1
    for value in values + [BECH32.index(one) for one in data]:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for bit, factor in enumerate(BECH32_FACTORS):
            state ^= factor if top >> bit & 1 else 0
    return state in BECH32_ENDINGS


class Wallets:
    """Bitcoin addresses whose checksum holds."""

    entities = (Entity("CRYPTO"),)
    gate = r"\b(?:[13][1-9A-HJ-NP-Za-km-z]{25,34}|bc1[02-9ac-hj-np-z]{11,71})\b"

    def __init__(self) -> None:
        self._pattern = compiled(self.gate)

    def scan(self, plain: bytes) -> Iterator[Finding]:
        for match in self._pattern.finditer(plain):
            found = plain[match.start() : match.end()]
            if bech32(found) if found.startswith(b"bc1") else base58(found):
                yield Finding(match.start(), match.end(), self.entities[0], 1.0, sure=True)
