"""No gateway: the load goes straight to the mock. What "added" latency is counted from."""

from tests.bench.gateway import Described, Place


def describe(place: Place) -> Described:
    return Described(version="", lacks="there is no gateway", port=int(place.upstream.rpartition(":")[2]))
