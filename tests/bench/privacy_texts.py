"""What the privacy benchmark reads: chat, code, a page full of personal data, and texts made to hurt. All invented."""

from typing import Final

KB: Final = 1024
_CHAT = (
    "Hi team, please reset the VPN account for Maria Gonzalez before Friday. Her workstation in the Hamburg office "
    "keeps dropping the connection after the last update. "
)
_DENSE = (
    "Reset VPN for Maria Gonzalez (maria.gonzalez@example.com, +49 30 901820). IP 10.20.30.41, see "
    "https://intra.example.com/x?id=3, due 2026-03-11. She says the laptop is slow, and asks for a new one. Please "
    "write a polite answer in two short paragraphs. "
)
_CODE = """def total(rows: list[Row], *, since: int = 0) -> dict[str, float]:
    \"\"\"Sum by team. Rows before `since` do not count.\"\"\"
    sums: dict[str, float] = {}
    for row in rows:
        if row.at < since or row.kind in {"test", "warmup"}:
            continue
        sums[row.team] = sums.get(row.team, 0.0) + row.cost * 1.19
    return sums

"""
TEXTS: Final = {
    "chat 1 KB": (_CHAT * 9)[:KB],
    "code 1 KB": (_CODE * 9)[:KB],
    "dense 1 KB": (_DENSE * 9)[:KB],
    "mixed 10 KB": ((_CHAT * 9)[:KB] + (_CODE * 9)[:KB] + (_DENSE * 9)[:KB]) * 3 + (_CHAT * 9)[:KB],
}
HURTING: Final = {
    "dots": "." * (64 * KB),
    "digits": "1" * (64 * KB),
    "digit groups": ("1234 5678 " * (7 * KB))[: 64 * KB],
    "a.": "a." * (32 * KB),
    "at signs": "a@" * (32 * KB),
    "nested JSON": ('{"a":[' * (11 * KB))[: 64 * KB],
    "half placeholders": "[PERSON_" * (8 * KB),
    "colons": "a:" * (32 * KB),
    "dashes": "1-" * (32 * KB),
    "one word": "é" * (64 * KB),
    "new lines": "\n" * (64 * KB),
    "IBAN starts": ("DE89 " * (14 * KB))[: 64 * KB],
    "fences": "```\n" * (16 * KB),
    "phone starts": ("+49 30 " * (10 * KB))[: 64 * KB],
    "hosts": ("a.example." * (7 * KB))[: 64 * KB],
}
"""The first four, `a.` and nested JSON are named in the issue: at most 50 ms/KB."""


def novel(number: int) -> str:
    """A text of twenty words nobody has seen."""
    return "Please ask " + " ".join(f"w{number * 7919 + at:x}q" for at in range(20)) + " about it."
