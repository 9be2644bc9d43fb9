"""Money as people write it (units of the billing currency) and as we keep it (whole micros). Exact both ways."""

from decimal import Decimal

from appliance.domain.ids import Micros

MICROS = 6  # decimals
LARGEST = Decimal(1_000_000_000)


def micros(amount: Decimal) -> Micros:
    """Units to micros. Raises ValueError for what is negative, not finite, over 10^9, or finer than a micro."""
    if not amount.is_finite() or amount < 0 or amount > LARGEST:
        raise ValueError(f"an amount of money lies between 0 and {LARGEST}")
    scaled = amount.scaleb(MICROS)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"an amount of money has at most {MICROS} decimals")
    return Micros(int(scaled))


def amount(of: int) -> str:
    """Micros to units, without trailing zeros: 1500000 -> `1.5`."""
    whole, rest = divmod(abs(of), 10**MICROS)
    text = f"{whole}.{rest:06d}".rstrip("0").rstrip(".")
    return f"-{text}" if of < 0 else text
