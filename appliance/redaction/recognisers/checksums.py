"""Check digits. Each takes letters and digits without separators."""

from collections.abc import Sequence
from typing import Final

DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B: every second digit from the right doubled, the cross sums a multiple of ten."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = ord(digit) - 48
        total += DOUBLED[value] if place & 1 else value
    return total % 10 == 0


def weighted(digits: str, weights: Sequence[int]) -> int:
    """The sum of digits times weights; what has no weight does not count."""
    return sum((ord(digit) - 48) * weight for digit, weight in zip(digits, weights, strict=False))


def mod_97(text: str) -> int:
    """ISO/IEC 7064 MOD 97-10 over text, letters counted as 10 to 35."""
    return int("".join(str(int(character, 36)) for character in text)) % 97


def mod_11_10(digits: str) -> bool:
    """ISO/IEC 7064 MOD 11,10: the last digit checks those before."""
    product = 10
    for digit in digits[:-1]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(digits[-1])


def ean_13(digits: str) -> bool:
    """GS1: weights 1 and 3 in turn, a multiple of ten."""
    return weighted(digits, (1, 3) * 7) % 10 == 0


def icao_9303(text: str) -> int:
    """ICAO Doc 9303 part 3, 4.9: weights 7, 3, 1, letters counted as 10 to 35; the digit that checks `text`."""
    return sum(int(character, 36) * (7, 3, 1)[place % 3] for place, character in enumerate(text)) % 10


def day_and_month(day: int, month: int) -> bool:
    """Whether the month has that day in some year."""
    return 1 <= month <= 12 and 1 <= day <= (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]
