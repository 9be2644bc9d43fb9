"""What was stopped, counted and told without a flood."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

import msgspec


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """What was stopped. `times` counts the same refusal since it was last told."""

    layer: str  # dial | loop | audit
    what: str  # `connect`, `lookup`, `subprocess`, ...
    to: str  # destination or program, for the operator
    why: str
    times: int = 1


OnRefusal = Callable[[Refusal], None]


class Refusals:
    """Counts every refusal; tells the same one at most once in `window` seconds.

    Called from any thread, also from inside an audit hook: `tell` must return at once and not raise.
    """

    KINDS = 256  # different refusals told apart; what comes beyond is told as one

    def __init__(self, tell: OnRefusal, *, window: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._window = window
        self._clock = clock
        self._counts: Counter[tuple[str, str]] = Counter()
        self._told: dict[tuple[str, str, str], tuple[float, int]] = {}  # when last told, how many since
        # Re-entrant: the collector may run a finaliser that is itself refused while the lock is held.
        self._lock = threading.RLock()

    def note(self, refusal: Refusal) -> None:
        with self._lock:
            self._counts[refusal.layer, refusal.what] += 1
            times = self._due(refusal)
        if times:
            self._tell(msgspec.structs.replace(refusal, times=times))

    def counts(self) -> Mapping[tuple[str, str], int]:
        """How often, by (layer, what), since the start."""
        with self._lock:
            return dict(self._counts)

    def _due(self, refusal: Refusal) -> int:
        """How many times to tell now; 0 when it was told a moment ago."""
        key = (refusal.layer, refusal.what, refusal.to)
        if key not in self._told and len(self._told) >= self.KINDS:
            key = ("", "", "")
        now = self._clock()
        last, since = self._told.get(key, (None, 0))
        if last is not None and now - last < self._window:
            self._told[key] = (last, since + 1)
            return 0
        self._told[key] = (now, 0)
        return since + 1
