"""Invented national identifiers: a stem, the check the law asks for, and how people write them.

The checks are written out here a second time, on purpose in another way than in the product.
"""

import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Rng = random.Random


def digits(rng: Rng, count: int) -> str:
    return "".join(rng.choice(string.digits) for _ in range(count))


def date(rng: Rng, order: str) -> str:
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(0, 99)
    return "".join({"d": f"{day:02}", "m": f"{month:02}", "y": f"{year:02}"}[one] for one in order)


def total(text: str, weights: list[int]) -> int:
    return sum(int(text[place]) * weights[place] for place in range(len(weights)))


@dataclass(frozen=True)
class Identifier:
    entity: str
    sentence: str  # with `{}` where the number stands
    stem: Callable[[Rng], str]
    check: Callable[[str], str]  # "" where no number has such a stem
    formats: tuple[str, ...]  # `#` takes one character; everything else stands as it is
    at: int | None = None  # where in the number the check stands; None: at the end
    alone: bool = False  # whether it is found without a word nearby

    def compose(self, stem: str, check: str) -> str:
        at = len(stem) if self.at is None else self.at
        return stem[:at] + check + stem[at:]

    def valid(self, rng: Rng) -> tuple[str, str]:
        while True:
            stem = self.stem(rng)
            if check := self.check(stem):
                return stem, check

    def write(self, rng: Rng, number: str) -> str:
        characters = iter(number)
        return "".join(next(characters) if one == "#" else one for one in rng.choice(self.formats))

    def good(self, rng: Rng, count: int) -> Iterator[str]:
        for _ in range(count):
            yield self.write(rng, self.compose(*self.valid(rng)))

    def bad(self, rng: Rng, count: int) -> Iterator[str]:
        """Half with another check digit, half with one digit of the stem changed so that the check no longer holds."""
        made = 0
        while made < count:
            stem, check = self.valid(rng)
            if made % 2:
                check = self.other(rng, check)
            else:
                place = rng.choice([at for at, one in enumerate(stem) if one.isdigit()] or range(len(stem)))
                stem = stem[:place] + self.other(rng, stem[place]) + stem[place + 1 :]
            if self.holds(stem, check):
                continue
            made += 1
            yield self.write(rng, self.compose(stem, check))

    def holds(self, stem: str, check: str) -> bool:
        return self.check(stem) == check

    @staticmethod
    def other(rng: Rng, text: str) -> str:
        alphabet = string.digits if text.isdigit() else string.ascii_uppercase
        while True:
            new = "".join(rng.choice(alphabet) for _ in text)
            if new != text:
                return new


def iso_7064(text: str) -> str:
    """The digit that makes the recursion end in one."""
    for last in string.digits:
        product = 10
        for one in text + last:
            total_ = (product + int(one)) % 10
            before, product = total_, (10 if total_ == 0 else total_) * 2 % 11
        if before == 1:
            return last
    return ""


def luhn_digit(text: str) -> str:
    doubled = [int(one) * (2 if place % 2 == 0 else 1) for place, one in enumerate(reversed(text))]
    return str(-sum(one // 10 + one % 10 for one in doubled) % 10)


def tax_stem(rng: Rng) -> str:
    while True:
        pool = rng.sample(string.digits, 9)
        pool.insert(rng.randint(0, 9), pool[0])
        if pool[0] != "0":
            return "".join(pool)


def one_doubled(text: str) -> bool:
    return (
        text[0] != "0"
        and sorted(text.count(one) for one in set(text))[-2:] in ([1, 2], [1, 3])
        and not any(one * 3 in text for one in text)
    )


def pension_check(stem: str) -> str:
    letters = stem[:8] + str(ord(stem[8]) - 64).zfill(2) + stem[9:]
    products = [int(one) * weight for one, weight in zip(letters, [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1], strict=True)]
    return (
        str(sum(sum(map(int, str(one))) for one in products) % 10)
        if 1 <= int(stem[4:6]) <= 12 and 1 <= int(stem[2:4]) <= 81
        else ""
    )


def machine_readable(text: str) -> str:
    return str(
        sum(
            (string.digits + string.ascii_uppercase).index(one) * [7, 3, 1][place % 3] for place, one in enumerate(text)
        )
        % 10
    )


def nir_key(stem: str) -> str:
    number = int(stem.replace("A", "0").replace("B", "0")) - (1000000 if "A" in stem else 2000000 if "B" in stem else 0)
    month = int(stem[3:5])
    known = 1 <= month <= 12 or 20 <= month <= 42 or month >= 50
    return f"{97 - number % 97:02}" if known and stem[0] in "123478" else ""


def eleven(text: str, weights: list[int], *, ten: str = "") -> str:
    rest = total(text, weights) % 11
    return ten if rest == 10 else str(rest)


PAIRS = ["45", "70", "71", "72", "74", "75", "77", "78", "79", "90", "91", "98", "99"]


def portuguese(text: str) -> str:
    rest = total(text, [9, 8, 7, 6, 5, 4, 3, 2]) % 11
    return ("0" if rest in {0, 1} else str(11 - rest)) if text[0] in "1235689" or text[:2] in PAIRS else ""


def bsn_check(text: str) -> str:
    rest = total(text, [9, 8, 7, 6, 5, 4, 3, 2]) % 11
    return str(rest) if rest < 10 and not text.startswith("00") else ""


def register_check(stem: str) -> str:
    """Those born before 2000 only; the other century's check is refused as ambiguous by `Register`."""
    return f"{97 - int(stem) % 97:02}" if stem[6:] not in {"000", "999"} else ""


class Register(Identifier):
    def holds(self, stem: str, check: str) -> bool:
        month, day = int(stem[2:4]), int(stem[4:6])
        if month > 52 or month % 20 > 12 or day > 31 or stem[6:] in {"000", "999"}:
            return False
        return check in {f"{97 - int(front + stem) % 97:02}" for front in ("", "2")}


def nhs_check(text: str) -> str:
    rest = 11 - total(text, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11
    return {11: "0", 10: ""}.get(rest, str(rest))


def spanish(text: str) -> str:
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(text.replace("X", "0").replace("Y", "1").replace("Z", "2")) % 23]


def fiscal_check(stem: str) -> str:
    odd = dict(zip("0123456789", [1, 0, 5, 7, 9, 13, 15, 17, 19, 21], strict=True))
    odd |= dict(
        zip(
            string.ascii_uppercase,
            [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23],
            strict=True,
        )
    )
    even = {one: int(one) if one.isdigit() else ord(one) - 65 for one in string.digits + string.ascii_uppercase}
    return chr(65 + (sum(odd[one] for one in stem[::2]) + sum(even[one] for one in stem[1::2])) % 26)


def fiscal_stem(rng: Rng) -> str:
    letters = "".join(rng.choice("BCDFGLMNPRSTV") for _ in range(6))
    code = (
        letters
        + digits(rng, 2)
        + rng.choice("ABCDEHLMPRST")
        + f"{rng.randint(1, 71):02}"
        + rng.choice("ABCDEFGHIL")
        + digits(rng, 3)
    )
    if rng.random() < 0.2:  # omocodia: the last digit as a letter
        code = code[:14] + "LMNPQRSTUV"[int(code[14])]
    return code


def pesel_check(stem: str) -> str:
    month, day = int(stem[2:4]) % 20, int(stem[4:6])
    if not (1 <= month <= 12 and 1 <= day <= [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]):
        return ""
    return str(-total(stem, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)


def polish_card(stem: str) -> str:
    values = [ord(one) - 55 if one.isalpha() else int(one) for one in stem]
    return str(sum(value * weight for value, weight in zip(values, [7, 3, 1, 7, 3, 1, 7, 3], strict=True)) % 10)


def luhn_like(stem: str) -> str:
    text = str(ord(stem[0]) - 64).zfill(2) + stem[1:]
    products = [int(one) * (1 + place % 2) for place, one in enumerate(text)]
    return str(sum(sum(map(int, str(one))) for one in products) % 10)


def svnr_check(stem: str) -> str:
    day, month = int(stem[3:5]), int(stem[5:7])
    if stem[0] == "0" or not 1 <= day <= 31 or not 1 <= month <= 15:
        return ""
    return eleven(stem, [3, 7, 9, 5, 8, 4, 2, 1, 6])


def serial(rng: Rng, first: str) -> str:
    return rng.choice(first) + "".join(rng.choice("0123456789CFGHJKLMNPRTVWXYZ") for _ in range(8))


def letters(rng: Rng, count: int) -> str:
    return "".join(rng.choice("ABCDEFGHKLMNPRSTUWXYZ") for _ in range(count))


CHECKED = (
    Identifier(
        "DE_TAX_ID",
        "meine steuer-id lautet {}, danke",
        tax_stem,
        lambda stem: iso_7064(stem) if one_doubled(stem) else "",
        ("#" * 11, "## ### ### ###", "##/###/###/###"),
        alone=True,
    ),
    Identifier(
        "DE_VAT_ID",
        "invoice to {}",
        lambda rng: str(rng.randint(1, 9)) + digits(rng, 7),
        lambda stem: iso_7064(stem) if stem[0] != "0" else "",
        ("DE#########", "DE ### ### ###", "DE #########"),
        alone=True,
    ),
    Identifier(
        "DE_SOCIAL_SECURITY",
        "meine rentenversicherungsnummer: {}",
        lambda rng: digits(rng, 2) + date(rng, "dmy") + letters(rng, 1) + digits(rng, 2),
        pension_check,
        ("############", "## ###### # ###", "## ###### # ## #"),
        alone=True,
    ),
    Identifier(
        "DE_HEALTH_INSURANCE",
        "krankenversichertennummer {}",
        lambda rng: letters(rng, 1) + digits(rng, 8),
        luhn_like,
        ("##########",),
    ),
    Identifier(
        "DE_ID_CARD",
        "mein personalausweis {} ist weg",
        lambda rng: serial(rng, "LMNPRTVWXY"),
        machine_readable,
        ("##########",),
    ),
    Identifier(
        "DE_PASSPORT", "my passport {} is lost", lambda rng: serial(rng, "CFGHJK"), machine_readable, ("##########",)
    ),
    Identifier(
        "FR_NIR",
        "numéro de sécurité sociale {}.",
        lambda rng: rng.choice("12") + date(rng, "ym") + rng.choice(["75", "13", "2A", "2B", "69"]) + digits(rng, 6),
        nir_key,
        ("#" * 15, "# ## ## ## ### ### ##"),
        alone=True,
    ),
    Identifier(
        "NL_BSN",
        "mijn bsn is {}",
        lambda rng: digits(rng, 8),
        bsn_check,
        ("#########", "####.##.###", "### ### ###", "####-##-###"),
    ),
    Register(
        "BE_RRN",
        "rijksregisternummer {}",
        lambda rng: date(rng, "ymd") + digits(rng, 3),
        register_check,
        ("##.##.##-###.##", "###########", "######-###-##", "######-###.##"),
        alone=True,
    ),
    Identifier(
        "AT_SVNR",
        "meine svnr ist {}",
        lambda rng: str(rng.randint(1, 9)) + digits(rng, 2) + date(rng, "dmy"),
        svnr_check,
        ("#### ######", "##########", "#### ## ## ##", "####-######"),
        at=3,
    ),
    Identifier(
        "CH_AHV",
        "employee {} started",
        lambda rng: "756" + digits(rng, 9),
        lambda stem: str(-total(stem, [1, 3] * 6) % 10) if stem.startswith("756") else "",
        ("###.####.####.##", "#############", "### #### #### ##"),
        alone=True,
    ),
    Identifier(
        "PT_NIF",
        "o meu nif é {}",
        lambda rng: rng.choice("1235689") + digits(rng, 7),
        portuguese,
        ("#########", "### ### ###", "PT#########"),
    ),
    Identifier(
        "ES_NIF",
        "mi dni es {}",
        lambda rng: digits(rng, 8),
        spanish,
        ("#########", "########-#", "##.###.###-#", "######## #"),
        alone=True,
    ),
    Identifier(
        "ES_NIE",
        "tengo el {} desde mayo",
        lambda rng: rng.choice("XYZ") + digits(rng, 7),
        spanish,
        ("#########", "#-#######-#", "# ####### #"),
        alone=True,
    ),
    Identifier(
        "IT_FISCAL_CODE", "codice: {}", fiscal_stem, fiscal_check, ("#" * 16, "### ### ##### #####"), alone=True
    ),
    Identifier(
        "IT_VAT_CODE",
        "partita iva {}",
        lambda rng: digits(rng, 10),
        lambda stem: luhn_digit(stem) if int(stem[:7]) else "",
        ("###########", "IT###########"),
    ),
    Identifier(
        "PL_PESEL", "mój pesel to {}", lambda rng: date(rng, "ymd") + digits(rng, 4), pesel_check, ("###########",)
    ),
    Identifier(
        "PL_NIP",
        "numer nip {}",
        lambda rng: str(rng.randint(1, 9)) + digits(rng, 8),
        lambda stem: eleven(stem, [6, 5, 7, 2, 3, 4, 5, 6, 7]) if stem[0] != "0" else "",
        ("##########", "###-###-##-##", "###-##-##-###", "PL##########"),
    ),
    Identifier(
        "PL_ID_CARD",
        "dowód osobisty {}",
        lambda rng: letters(rng, 3) + digits(rng, 5),
        polish_card,
        ("#########", "### ######"),
        at=3,
    ),
    Identifier(
        "UK_NHS",
        "my nhs number is {}",
        lambda rng: digits(rng, 9),
        lambda stem: nhs_check(stem) if int(stem) else "",
        ("##########", "### ### ####", "###-###-####"),
    ),
)


@dataclass(frozen=True)
class Issued:
    """Identifiers without a check digit: what is never issued is invalid."""

    entity: str
    sentence: str
    issued: Callable[[Rng], str]
    never: Callable[[Rng], str]
    alone: bool = False

    def good(self, rng: Rng, count: int) -> Iterator[str]:
        return (self.issued(rng) for _ in range(count))

    def bad(self, rng: Rng, count: int) -> Iterator[str]:
        return (self.never(rng) for _ in range(count))


def separated(rng: Rng, area: int, group: int, number: int) -> str:
    mark = rng.choice(["-", " ", ""])
    return f"{area:03}{mark}{group:02}{mark}{number:04}"


def ssn(rng: Rng) -> str:
    area = rng.choice([one for one in range(1, 900) if one != 666])
    return separated(rng, area, rng.randint(1, 99), rng.randint(1, 9999))


def never_ssn(rng: Rng) -> str:
    area, group, number = rng.randint(1, 665), rng.randint(1, 99), rng.randint(1, 9999)
    return rng.choice(
        [
            separated(rng, rng.choice([0, 666]), group, number),
            separated(rng, area, 0, number),
            separated(rng, area, group, 0),
        ]
    )


def itin(rng: Rng) -> str:
    return separated(
        rng,
        rng.randint(900, 999),
        rng.choice([*range(50, 66), *range(70, 89), 90, 91, 92, *range(94, 100)]),
        rng.randint(0, 9999),
    )


def never_itin(rng: Rng) -> str:
    return separated(rng, rng.randint(900, 999), rng.choice([*range(50), 66, 69, 89, 93]), rng.randint(0, 9999))


def nino(rng: Rng) -> str:
    while True:
        prefix = rng.choice("ABCEGHJKLMNOPRSTWXYZ") + rng.choice("ABCEGHJKLMNPRSTWXYZ")
        if prefix not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"} and prefix[0] != "O":
            break
    number = [digits(rng, 2) for _ in range(3)]
    return rng.choice([f"{prefix}{''.join(number)}{{}}", f"{prefix} {' '.join(number)} {{}}"]).format(
        rng.choice("ABCD")
    )


def never_nino(rng: Rng) -> str:
    prefix = rng.choice(["BG", "GB", "KN", "NK", "NT", "TN", "ZZ", "DA", "FA", "AI", "QA", "AU", "VA", "AO"])
    return rng.choice([prefix + digits(rng, 6) + "A", f"AB{digits(rng, 6)}{rng.choice('EFGHXYZ')}"])


WITHOUT_CHECK = (
    Issued("US_SSN", "my ssn is {} by the way", ssn, never_ssn),
    Issued("US_ITIN", "itin: {}", itin, never_itin),
    Issued("UK_NINO", "national insurance {}", nino, never_nino, alone=True),
)
ALL: tuple[Identifier | Issued, ...] = (*CHECKED, *WITHOUT_CHECK)
