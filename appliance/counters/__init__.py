"""Hot counters: what each key has taken of its allowances, now.

    from appliance.counters import MemoryCounters

    counters = MemoryCounters(clock)        # ports.counters.Counters, exact in one process
    counters.keep(keys)                     # forget keys that are no longer in the store

`memory` puts together a sliding minute (`minute`), calendar windows (`periods`) and what was spent in them (`spent`).
"""

from appliance.counters.memory import MemoryCounters

__all__ = ["MemoryCounters"]
