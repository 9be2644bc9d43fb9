"""Invented e-mail addresses, bank accounts, machine addresses, cards and telephone numbers, with the sentences they
stand in.
"""

import ipaddress
import random
import string
from collections.abc import Callable

Rng = random.Random

LAST = ("corp", "local", "lan", "intern", "internal", "home", "example", "example.org", "example.co.uk", "test", "acme")
NAMES = ("ann", "bob.lee", "j.o'neil", "mary-jane", "x_y", "Kim.Li+tag", "jürgen", "renée", "ops%eu", "d.trump2")
HOSTS = ("mail", "mx-1", "a.b", "müller", "dept.site", "xn--mller-kva")
PATHS = ("", "/", "/a/b.html", "/a?q=1&r=%20x", "/p#frag", ":8443/x", "/wiki/A_(b)", "/~ann/")
SENTENCES = (
    "{}",
    "write to {}.",
    "({})",
    '"{}"',
    "<{}>",
    "see {}, then call",
    "x: {};",
    "\n{}\n",
    "is it {}?",
    "größe {} ok",
)


def word(rng: Rng, length: int = 6) -> str:
    return "".join(rng.choice(string.ascii_lowercase) for _ in range(length))


def email(rng: Rng) -> str:
    name = rng.choice([*NAMES, word(rng), word(rng, 12)])
    return f"{name}@{rng.choice([*HOSTS, word(rng)])}.{rng.choice(LAST)}"


def url(rng: Rng) -> str:
    host = rng.choice(
        [f"{word(rng)}.example.org", f"{word(rng)}.corp", "10.1.2.3", f"www.{word(rng)}.example", f"{word(rng)}-1.lan"]
    )
    scheme = rng.choice(["https://", "http://", "ftp://", "HTTPS://", "git+ssh://ann@", "wss://"])
    return scheme + host + rng.choice(PATHS)


def host(rng: Rng) -> str:
    return rng.choice(
        [
            f"www.{word(rng)}.org",
            f"{word(rng)}.com",
            f"{word(rng)}.co.uk",
            f"{word(rng)}.de",
            f"wiki.{word(rng)}.corp",
            f"db-{word(rng, 2)}.lan",
        ]
    )


def ip(rng: Rng) -> str:
    if rng.random() < 0.5:
        return ".".join(str(rng.randint(1, 254)) for _ in range(4))
    address = ipaddress.IPv6Address(
        rng.getrandbits(128) if rng.random() < 0.5 else (0x20010DB8 << 96) + rng.randint(1, 1 << 40)
    )
    return rng.choice([address.compressed, address.exploded, address.compressed.upper()])


def iban(rng: Rng) -> str:
    country, length = rng.choice(
        [
            ("DE", 22),
            ("AT", 20),
            ("CH", 21),
            ("FR", 27),
            ("NL", 18),
            ("BE", 16),
            ("GB", 22),
            ("ES", 24),
            ("IT", 27),
            ("PL", 28),
            ("PT", 25),
            ("NO", 15),
            ("MT", 31),
            ("SE", 24),
        ]
    )
    account = "".join(rng.choice(string.digits) for _ in range(length - 4))
    if country in {"NL", "GB", "MT"}:
        account = "".join(rng.choice(string.ascii_uppercase) for _ in range(4)) + account[4:]
    number = int("".join(str(int(one, 36)) for one in account + country + "00"))
    plain = f"{country}{98 - number % 97:02}{account}"
    grouped = " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))
    return rng.choice([plain, grouped, plain.lower(), grouped.replace(" ", "-")])


PREFIXES = (
    "4:16 4:13 4:19 51:16 55:16 2221:16 2720:16 34:15 37:15 300:14 36:14 38:14 6011:16 65:16 3528:16 3589:16 "
    "62:16 62:19 5018:12 5020:13 5038:14 6304:18 6759:19 58:17 2200:16"
)
BRANDS = [(prefix, int(length)) for prefix, length in (one.split(":") for one in PREFIXES.split())]
GROUPS = {
    12: (4, 4, 4),
    13: (4, 4, 5),
    14: (4, 6, 4),
    15: (4, 6, 5),
    16: (4, 4, 4, 4),
    17: (4, 4, 4, 5),
    18: (4, 4, 4, 4, 2),
    19: (4, 4, 4, 4, 3),
}


def luhn(stem: str) -> str:
    doubled = [int(one) * (2 if place % 2 == 0 else 1) for place, one in enumerate(reversed(stem))]
    return stem + str(-sum(one // 10 + one % 10 for one in doubled) % 10)


def grouped(rng: Rng, number: str) -> str:
    mark = rng.choice(["", " ", "-"])
    at, pieces = 0, []
    for size in GROUPS[len(number)]:
        pieces.append(number[at : at + size])
        at += size
    return mark.join(pieces)


def card(rng: Rng) -> str:
    prefix, length = rng.choice(BRANDS)
    stem = prefix + "".join(rng.choice(string.digits) for _ in range(length - len(prefix) - 1))
    return grouped(rng, luhn(stem))


def ssn(rng: Rng) -> str:
    area = rng.choice([one for one in range(1, 900) if one != 666])
    mark = rng.choice("- ")
    return f"{area:03}{mark}{rng.randint(1, 99):02}{mark}{rng.randint(1, 9999):04}"


def figures(rng: Rng, count: int) -> str:
    return "".join(rng.choice(string.digits) for _ in range(count))


def american(rng: Rng) -> str:
    area, office, line = (
        rng.choice(["212", "415", "312", "617", "202", "305"]),
        rng.choice("23456789") + figures(rng, 2),
        figures(rng, 4),
    )
    shape = rng.choice(
        [
            "({}) {}-{}",
            "{}-{}-{}",
            "{}.{}.{}",
            "{} {} {}",
            "+1 {} {} {}",
            "+1-{}-{}-{}",
            "1-{}-{}-{}",
            "({}){}-{}",
            "001-{}-{}-{}x123",
        ]
    )
    return shape.format(area, office, line)


def british(rng: Rng) -> str:
    """Ofcom's numbers for drama."""
    return rng.choice(
        [
            f"020 7946 0{figures(rng, 3)}",
            f"07700 900{figures(rng, 3)}",
            f"+44 7700 900{figures(rng, 3)}",
            f"0161 496 0{figures(rng, 3)}",
            f"+44 (0)20 7946 0{figures(rng, 3)}",
            f"07700900{figures(rng, 3)}",
        ]
    )


def german(rng: Rng) -> str:
    """The regulator's numbers for films, and their international forms."""
    return rng.choice(
        [
            f"030 23125{figures(rng, 3)}",
            f"+49 30 23125 {figures(rng, 3)}",
            f"0171 39200{figures(rng, 2)}",
            f"+49 171 39200{figures(rng, 2)}",
            f"0171/39200{figures(rng, 2)}",
            f"089 99998{figures(rng, 3)}",
            f"(030) 23125{figures(rng, 3)}",
        ]
    )


def french(rng: Rng) -> str:
    """ARCEP's numbers for fiction."""
    pairs = [figures(rng, 2), figures(rng, 2)]
    return rng.choice(
        ["01 99 00 {} {}", "06 39 98 {} {}", "+33 6 39 98 {} {}", "06.39.98.{}.{}", "+33 1 99 00 {} {}", "063998{}{}"]
    ).format(*pairs)


PHONES: dict[str, Callable[[Rng], str]] = {"US": american, "GB": british, "DE": german, "FR": french}
