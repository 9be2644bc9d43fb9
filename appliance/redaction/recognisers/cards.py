"""Payment cards: ISO/IEC 7812, twelve to nineteen digits, Luhn, and an issuer's prefix that is in use or a word
nearby.
"""

from collections.abc import Iterator
from typing import Final

from appliance.domain.privacy import Entity, Finding
from appliance.redaction.recognisers.checksums import luhn
from appliance.redaction.recognisers.recogniser import Context, alone, compiled

CREDIT_CARD: Final = Entity("CREDIT_CARD")
SHORTEST: Final = 12
LONGEST: Final = 19
USUAL: Final = (13, 14, 15, 16)
RARE: Final = 0.3  # Maestro of 13 to 15 digits without a word nearby: far more often some other number
SHAPES: Final = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (16,), (15,)}
# First and last prefix, lengths. Public ranges of Visa, Mastercard, American Express, Diners, Discover, JCB,
# UnionPay, Maestro, Mir, RuPay, Troy, Verve.
PREFIXES: Final = (
    ("1800", "1800", (15,)),
    ("2131", "2131", (15,)),
    ("2200", "2204", (16, 17, 18, 19)),
    ("2221", "2720", (16,)),
    ("3000", "3059", (14, 15, 16, 17, 18, 19)),
    ("3060", "3099", (14, 16)),
    ("34", "34", (15,)),
    ("35", "35", (16, 17, 18, 19)),
    ("36", "36", (14, 15, 16, 17, 18, 19)),
    ("37", "37", (15,)),
    ("38", "39", (14, 16, 17, 18, 19)),
    ("4", "4", (13, 16, 18, 19)),
    ("50", "50", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("51", "55", (16,)),
    ("56", "69", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("81", "82", (16,)),
    ("9792", "9792", (16,)),
)


def issued(digits: str) -> bool:
    """Whether some issuer gives out cards of this prefix and length."""
    return any(
        first <= digits[: len(first)] <= last and len(digits) in lengths and len(set(digits)) > 1
        for first, last, lengths in PREFIXES
    )


class Cards:
    """Digits in one group, or in groups the first of which has four or six, with one space or dash between."""

    entities = (CREDIT_CARD,)
    gate = r"[0-9](?:[ \-]?[0-9]){11}"

    def __init__(self) -> None:
        self._chain = compiled(r"[0-9]+(?:[ \-][0-9]+)*")
        self._context = Context(
            r"card|cards|credit|debit|visa|mastercard|master card|amex|american express|maestro|discover|diners|"
            r"jcb|cc|ccn|kreditkarte|karte|carte|tarjeta|creditcard|card_number|cardnumber|payment"
        )

    def scan(self, plain: bytes) -> Iterator[Finding]:
        for chain in self._chain.finditer(plain):
            if chain.end() - chain.start() >= SHORTEST:
                yield from self._in_chain(plain, chain.start(), chain.end())

    def _in_chain(self, plain: bytes, start: int, end: int) -> Iterator[Finding]:
        groups = _groups(plain, start, end)
        first = 0
        while first < len(groups):
            last = self._card(plain, groups, first)
            if last is None:
                first += 1
                continue
            yield self._finding(plain, groups[first][0], groups[last][1])
            first = last + 1

    def _card(self, plain: bytes, groups: list[tuple[int, int]], first: int) -> int | None:
        """The last group of the longest card that begins at group `first`. Looks at nineteen digits at most."""
        sizes: list[int] = []
        fitting: list[int] = []
        for last in range(first, len(groups)):
            sizes.append(groups[last][1] - groups[last][0])
            if sum(sizes) > LONGEST:
                break
            if sum(sizes) >= SHORTEST and _stands(groups, first, last, sizes):
                fitting.append(last)
        for last in reversed(fitting):
            start, end = groups[first][0], groups[last][1]
            digits = plain[start:end].translate(None, b" -").decode()
            if luhn(digits) and _ends(plain, start, end) and (issued(digits) or self._context.near(plain, start, end)):
                return last
        return None

    def _finding(self, plain: bytes, start: int, end: int) -> Finding:
        count = end - start - plain.count(b" ", start, end) - plain.count(b"-", start, end)
        if self._context.near(plain, start, end):
            return Finding(start, end, CREDIT_CARD, 1.0, sure=True)
        grouped = count < end - start
        if grouped or (count in USUAL and plain[start : start + 1] not in b"56") or count == 16:
            return Finding(start, end, CREDIT_CARD, 0.8, sure=grouped or count == 16)
        return Finding(start, end, CREDIT_CARD, RARE if count in USUAL else 0.45)


def _stands(groups: list[tuple[int, int]], first: int, last: int, sizes: list[int]) -> bool:
    """Whether the groups look like a card. Unless they look like the usual ones, no long group may stand beside."""
    if len(sizes) > 1 and sizes[0] not in {4, 6}:
        return False
    if tuple(sizes) in SHAPES:
        return True
    before = groups[first - 1][1] - groups[first - 1][0] if first else 0
    after = groups[last + 1][1] - groups[last + 1][0] if last + 1 < len(groups) else 0
    return before <= 3 and after <= 2


def _groups(plain: bytes, start: int, end: int) -> list[tuple[int, int]]:
    groups = []
    at = start
    for piece in plain[start:end].replace(b"-", b" ").split(b" "):
        groups.append((at, at + len(piece)))
        at += len(piece) + 1
    return groups


def _ends(plain: bytes, start: int, end: int) -> bool:
    """Not inside a word, an amount or a decimal; further groups may stand beside."""
    before = plain[start - 1 : start]
    after = plain[end : end + 1]
    if before in {b" ", b"-"}:
        before = b""
    if after in {b" ", b"-"}:
        after = b""
    piece = before + plain[start:end] + after
    if plain[start - 2 : start - 1].isdigit() and before in {b".", b",", b"/", b":"}:
        return False
    if plain[end + 1 : end + 2].isdigit() and after in {b".", b",", b"/", b":"}:
        return False
    return alone(piece, len(before), len(before) + end - start)
