"""What one key has spent in each calendar window.

Two totals that only reservations and settlements move, and for each window the totals at which it began: spent in a
window is the difference. So a request costs two additions, however many windows there are.
"""

from appliance.counters.periods import ORDER, Periods

Pair = list[int]
"""One number for each window of `periods.ORDER`."""


class Spent:
    """Held and settled together: what is held counts as spent until it is settled."""

    __slots__ = ("_cost", "_cost_at_start", "_cost_before", "_periods", "_tokens", "_tokens_at_start", "_tokens_before")

    def __init__(self, periods: Periods) -> None:
        self._periods = periods
        self._cost = 0
        self._tokens = 0
        self._cost_at_start: Pair = [0] * len(ORDER)
        self._tokens_at_start: Pair = [0] * len(ORDER)
        self._cost_before: Pair = [0] * len(ORDER)  # seeded
        self._tokens_before: Pair = [0] * len(ORDER)

    @property
    def empty(self) -> bool:
        """Nothing was ever spent that a window still knows of."""
        last = len(ORDER) - 1  # the total, of which every other is a part
        return not (self.cost(last) or self.tokens(last) or any(self._cost_before) or any(self._tokens_before))

    def cost(self, window: int) -> int:
        """Micros, after `enter(periods)`."""
        return self._cost - self._cost_at_start[window] + self._cost_before[window]

    def tokens(self, window: int) -> int:
        return self._tokens - self._tokens_at_start[window] + self._tokens_before[window]

    def enter(self, periods: Periods) -> None:
        """Begin anew every window that has ended."""
        if periods is self._periods:
            return
        for window, (old, new) in enumerate(zip(self._periods.ids, periods.ids, strict=True)):
            if old != new:
                self._cost_at_start[window] = self._cost
                self._tokens_at_start[window] = self._tokens
                self._cost_before[window] = self._tokens_before[window] = 0
        self._periods = periods

    def seed(self, window: int, cost: int, tokens: int) -> None:
        """Set what was spent in the current window before this process began."""
        self._cost_before[window] = cost
        self._tokens_before[window] = tokens

    def take(self, cost: int, tokens: int) -> None:
        self._cost += cost
        self._tokens += tokens

    def correct(self, cost: int, tokens: int, taken_in: Periods) -> None:
        """Change what was taken in earlier periods; windows that began since do not know of it."""
        self._cost += cost
        self._tokens += tokens
        if taken_in is self._periods:
            return
        for window, (then, now) in enumerate(zip(taken_in.ids, self._periods.ids, strict=True)):
            if then != now:
                self._cost_at_start[window] += cost
                self._tokens_at_start[window] += tokens
