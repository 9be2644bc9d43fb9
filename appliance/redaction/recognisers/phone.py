"""Telephone numbers of the policy's regions, and international ones of every country.

A pattern finds what looks like a number; only that is handed to `phonenumbers` (ITU-T E.164 and the national plans),
which is slow. A number that no plan knows still counts when it is written as nothing but a telephone number is:
`(555) 123-4567`, `+44 …`.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import phonenumbers

from appliance.domain.privacy import Entity, Finding
from appliance.redaction.recognisers.recogniser import WEAK, Context, compiled, word

PHONE_NUMBER: Final = Entity("PHONE_NUMBER")
FEWEST: Final = 7
MOST: Final = 15  # E.164
USUAL: Final = 13  # longer ones are rare, two numbers side by side are not
LONGEST: Final = 28  # characters, with all separators
ENOUGH: Final = 0.4
COUNTED: Final = {"0123456789", "1234567890", "123456789", "12345678", "1234567", "01234567", "9876543210"}
CHAIN: Final = r"(?:\+ ?|\(\+?)?[0-9](?:[ ./\-]?[ (]?[0-9][)]?){6,}"  # numbers that only a space parts are one chain
WORDS: Final = (
    r"phone|phones|telephone|tel|tel\.|mobile|cell|cellphone|call|called|calling|fax|sms|text me|ring|whatsapp|"
    r"contact|hotline|dial|reach me|reach|"
    r"telefon|telefonnummer|handy|mobil|handynummer|rufnummer|anrufen|t\xe9l\xe9phone|telefoon|telefono|"
    r"tel\xe9fono|telefone|"
    r"m\xf3vil|portable|phone_number|phonenumber|mobile_number"
)
NORTH_AMERICAN: Final = (
    r"(?:\+?1[ .\-]?|001[ .\-])?(?:\([0-9]{3}\) ?[0-9]{3}[ .\-][0-9]{4}|[0-9]{3}-[0-9]{3}-[0-9]{4}|"
    r"[0-9]{3}\.[0-9]{3}\.[0-9]{4}|[0-9]{3} [0-9]{3} [0-9]{4})"
)
NANP: Final = frozenset({"US", "CA", "PR", "JM", "DO", "BS", "BB", "TT"})


class Phones:
    """Numbers as people write them, with an extension behind."""

    entities = (PHONE_NUMBER,)
    gate = r"[0-9](?:[ ./\-]?[ (]?[0-9][)]?){6}"

    def __init__(self, regions: Sequence[str]) -> None:
        known = phonenumbers.SUPPORTED_REGIONS
        if unknown := sorted(set(regions) - set(known)):
            raise ValueError(
                f"phone_regions: no telephone plan is known for {', '.join(f'`{one}`' for one in unknown)}; use "
                f"two-letter codes such as `US`, `DE`"
            )
        self._regions = tuple(regions)
        self._pattern = compiled(CHAIN)
        self._american = compiled(rf"^(?:{NORTH_AMERICAN})$") if NANP & set(regions) else None
        self._likely = compiled(rf"^(?:{NORTH_AMERICAN}|[+(]*0[0-9 ./()\-]+|\+[0-9 ./()\-]+)$")
        self._extension = compiled(r"(?i)^ ?(?:x|ext\.?|extension|#|durchwahl|poste) ?[0-9]{1,6}\b")
        self._shape = compiled(
            r"^\(?[0-9]{2,5}\)?[ ./\-]{1,3}[0-9]{2,8}(?:(?: [0-9]{2,8})*|(?:\.[0-9]{2,8})*|(?:-[0-9]{2,8})*)$"
        )
        self._context = Context(WORDS)

    def scan(self, plain: bytes) -> Iterator[Finding]:
        told: dict[bytes, float] = {}  # the same number twice in a text is asked for once
        for match in self._pattern.finditer(plain):
            start, end = match.span()
            whole = self._finding(plain, start, end, told)
            if whole and self._certain(plain, start, end, told):
                yield whole
                continue
            parts = list(self._parts(plain, start, end, told))
            yield from parts or ([whole] if whole else [])

    @staticmethod
    def _certain(plain: bytes, start: int, end: int, told: dict[bytes, float]) -> bool:
        """Whether it is a number even without a word nearby, and not so long that it may be two."""
        found = plain[slice(*balanced(plain, start, end))]
        return told[found] >= ENOUGH and _digits(found) <= USUAL

    def _parts(self, plain: bytes, start: int, end: int, told: dict[bytes, float]) -> Iterator[Finding]:
        """Numbers in a chain of digits that is none as a whole: cut at spaces, the longest that is one first."""
        edges = [start, *(at + 1 for at in range(start, end) if plain[at] == 0x20), end + 1]
        first = 0
        while first < len(edges) - 1:
            if not _begins(plain, edges, first):
                first += 1
                continue
            for last in range(min(first + MOST, len(edges) - 1), first, -1):
                piece = plain[edges[first] : edges[last] - 1]
                if _digits(piece) > USUAL or not self._likely.search(piece):
                    continue
                one = self._finding(plain, edges[first], edges[last] - 1, told)
                if one and one.score >= ENOUGH:
                    yield one
                    first = last - 1
                    break
            first += 1

    def _finding(self, plain: bytes, start: int, end: int, told: dict[bytes, float]) -> Finding | None:
        start, end = balanced(plain, start, end)
        if end - start > LONGEST or not self._alone(plain, start, end):
            return None
        found = plain[start:end]
        extension = self._extension.search(plain[end : end + 20])
        near = self._context.near(plain, start, end)
        # Digits without a prefix, groups or a word are not worth asking a plan about.
        if found.isdigit() and found[0] != 0x30 and not near and not extension:
            return None
        if found not in told:
            told[found] = self._score(found)
        score = told[found]
        if not score:
            return None
        end += extension.end() if extension else 0
        score = max(score, 0.5) if extension else score
        return Finding(start, end, PHONE_NUMBER, max(score, 0.75) if near else score)

    @staticmethod
    def _alone(plain: bytes, start: int, end: int) -> bool:
        """No piece of a word, of a longer number, of an amount or a version."""
        if start and (word(plain[start - 1]) or plain[start - 1] in b".-/$\xa3#%=+&"):
            return False
        after, behind = plain[end : end + 1], plain[end + 1 : end + 2]
        if after.isdigit() or after in {b"%", b"_"} or (after == b"-" and behind.isalnum()):
            return False
        if after and after in b"./:," and behind.isdigit():
            return False
        return not after.isalpha() or after.lower() in b"xepd"

    def _score(self, found: bytes) -> float:
        text = found.decode("latin-1")
        digits = "".join(filter(str.isdigit, text))
        if not FEWEST <= len(digits) <= MOST or len(set(digits)) == 1 or digits in COUNTED:
            return 0
        international = text.lstrip("( ").startswith("+") or (text.startswith("00") and len(digits) > 10)
        if international:
            return self._international(text)
        if self._american and self._american.search(found):
            return 0.8 if any(self._valid(text, region) for region in self._regions) else 0.6
        return self._national(text, digits, grouped=self._shape.search(found) is not None)

    def _international(self, text: str) -> float:
        """Any country's number, whether or not the plan gives it out."""
        number = "+" + text.lstrip("(+ 0")
        parsed = _parsed(number, None)
        if parsed is None:
            return WEAK
        return (
            0.85 if phonenumbers.is_valid_number(parsed) else 0.6 if phonenumbers.is_possible_number(parsed) else WEAK
        )

    def _national(self, text: str, digits: str, *, grouped: bool) -> float:
        """Digits alone say little: a trunk prefix or groups must come to a valid plan, or a word nearby."""
        if dated(text) or (not grouped and not digits.startswith("0") and len(digits) not in {9, 10, 11}):
            return 0
        trunk = digits[0] == "0" and digits[1] != "0"
        if not any(self._valid(text, region) for region in self._regions):
            # A plan leaves out what nobody has been given yet, and what is kept for films.
            possible = trunk and len(digits) in {10, 11} and any(self._possible(text, one) for one in self._regions)
            if possible:
                return 0.55 if grouped else 0.45
            return WEAK if grouped or (trunk and len(digits) >= 9) else 0
        if trunk and len(digits) > 8:
            return 0.7 if grouped else 0.5
        return 0.45 if grouped and len(digits) >= 9 and text.count(" ") >= 2 else 0.3

    @staticmethod
    def _possible(text: str, region: str) -> bool:
        parsed = _parsed(text, region)
        return parsed is not None and phonenumbers.is_possible_number(parsed)

    @staticmethod
    def _valid(text: str, region: str) -> bool:
        parsed = _parsed(text, region)
        return parsed is not None and phonenumbers.is_valid_number_for_region(parsed, region)


def _digits(found: bytes) -> int:
    return sum(0x30 <= one <= 0x39 for one in found)


def _begins(plain: bytes, edges: list[int], first: int) -> bool:
    """Whether a number may begin here: with a sign or a zero, with three digits, or with `1` and three more."""
    at = edges[first]
    if plain[at : at + 1] in {b"+", b"(", b"0"} or edges[first + 1] - at > 3:
        return True
    return plain[at : at + 2] == b"1 " and first + 2 < len(edges) and edges[first + 2] - edges[first + 1] > 3


def balanced(plain: bytes, start: int, end: int) -> tuple[int, int]:
    """The place without brackets round the whole, and without one that is not closed, or not opened, inside."""
    if plain[start] == 0x28 and _closing(plain, start, end) == end - 1:
        return start + 1, end - 1
    while plain.count(b"(", start, end) > plain.count(b")", start, end) and plain[start] == 0x28:
        start += 1
    while plain.count(b")", start, end) > plain.count(b"(", start, end) and plain[end - 1] == 0x29:
        end -= 1
    return start, end


def _closing(plain: bytes, start: int, end: int) -> int:
    """Where the bracket at `start` is closed."""
    depth = 0
    for at in range(start, end):
        depth += (plain[at] == 0x28) - (plain[at] == 0x29)
        if depth == 0:
            return at
    return end


def _parsed(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


def dated(text: str) -> bool:
    """`2024-05-01 12`, `01/02/2024`, `0.48336940`: groups as dates, times and decimals have them."""
    if text[1:2] == "." and text.count(".") == 1:
        return True  # a decimal
    groups = "".join(one if one.isdigit() else " " for one in text).split()
    if len(groups) < 3 or any(len(one) > 4 for one in groups):
        return False
    year = next((one for one in groups[:3] if len(one) == 4 and one[:2] in {"19", "20"}), None)
    others = [one for one in groups[:3] if one is not year]
    return year is not None and len(others) == 2 and all(len(one) <= 2 and int(one) <= 31 for one in others)
