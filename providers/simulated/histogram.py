"""A Prometheus histogram and counters, written as the text format 0.0.4 asks."""

from bisect import bisect_left


class Histogram:
    """Observations in cumulative buckets."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Add one observation."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self._sum += value

    def lines(self, name: str, labels: str) -> list[str]:
        """Its samples; `labels` is what stands between the braces."""
        comma = "," if labels else ""
        written: list[str] = []
        total = 0
        for bound, counted in zip([*map(str, self.bounds), "+Inf"], self._counts, strict=True):
            total += counted
            written.append(f'{name}_bucket{{{labels}{comma}le="{bound}"}} {float(total)}')
        braces = f"{{{labels}}}" if labels else ""
        return [*written, f"{name}_count{braces} {float(total)}", f"{name}_sum{braces} {self._sum}"]


# vLLM's buckets: to the first token, whole phases of a request, between tokens.
PHASES = (
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0,
    1920.0, 7680.0,
)  # fmt: skip
BETWEEN = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
)  # fmt: skip
SECONDS = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2560.0,
)  # fmt: skip
