"""What a request costs, in integer micros."""

import msgspec

from appliance.domain.ids import Micros, Seconds
from appliance.domain.usage import Usage

PER_MILLION = 1_000_000


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Micros per million tokens, and micros per second of GPU time. All zero means free, said aloud."""

    input: int = 0  # micros per 1,000,000 prompt tokens
    cached: int | None = None  # micros per 1,000,000 prompt tokens answered from a prefix cache; None: as `input`
    output: int = 0  # micros per 1,000,000 completion tokens
    gpu_second: int = 0  # micros per second from the attempt's start to its end

    def __post_init__(self) -> None:
        if min(self.input, self.output, self.gpu_second, self.cached or 0) < 0:
            raise ValueError("a price is never negative")

    @property
    def free(self) -> bool:
        return not (self.input or self.output or self.gpu_second or self.cached)


def cost(price: Price, usage: Usage, busy: Seconds) -> Micros:
    """The cost of one answer, rounded up to a whole micro so that a thousand tiny requests are never free."""
    cached = min(usage.cached, usage.prompt)
    cached_price = price.input if price.cached is None else price.cached
    tokens = (usage.prompt - cached) * price.input + cached * cached_price + usage.completion * price.output
    gpu = round(busy * price.gpu_second * PER_MILLION)  # in 1e-12 of the currency, as `tokens` is
    return Micros(-(-(tokens + gpu) // PER_MILLION))
