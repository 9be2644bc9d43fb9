"""Requests and tokens of one key in the last 60 seconds.

Kept in buckets of one second. A bucket counts until no moment of it lies within the last 60 seconds, so that in any
60 s, wherever they begin, the sum is never above what was checked. The price: room comes back up to a second late.
"""

from collections import deque

SPAN = 61  # buckets that can hold a moment of the last 60 s: the current second and the 60 before it

Bucket = list[int]
"""[second, requests, tokens]"""


class Minute:
    """Seconds are whole seconds of a clock that never goes back. Every call costs O(1) on average."""

    __slots__ = ("_buckets", "parallel", "requests", "second", "tokens")

    def __init__(self, second: int) -> None:
        self._buckets: deque[Bucket] = deque()
        self.requests = 0
        self.tokens = 0
        self.parallel = 0  # not a rate, but it ends with one: a key with neither is idle
        self.second = second  # of the last look

    def look(self, second: int) -> None:
        """Forget what is older than the span."""
        self.second = second
        buckets = self._buckets
        while buckets and buckets[0][0] <= second - SPAN:
            _, requests, tokens = buckets.popleft()
            self.requests -= requests
            self.tokens -= tokens

    def bucket(self, second: int) -> Bucket:
        """The bucket of the current second, after `look(second)`."""
        buckets = self._buckets
        if buckets and buckets[-1][0] == second:
            return buckets[-1]
        new = [second, 0, 0]
        buckets.append(new)
        return new

    def take(self, bucket: Bucket, tokens: int) -> None:
        """One request, with its tokens."""
        bucket[1] += 1
        bucket[2] += tokens
        self.requests += 1
        self.tokens += tokens

    def correct(self, bucket: Bucket, tokens: int, second: int) -> None:
        """Replace part of what was taken in `bucket`, after `look(second)`.

        Tokens not needed are given back where they were taken; those beyond what was held count from now on.
        """
        if tokens > 0:
            bucket = self.bucket(second)
        elif bucket[0] <= second - SPAN:
            return
        bucket[2] += tokens
        self.tokens += tokens

    def room_at(self, *, requests: int | None = None, tokens: int | None = None) -> int | None:
        """The second from which on at most so much of what counts now still counts; None: that cannot be had."""
        requests_left, tokens_left = self.requests, self.tokens
        for second, of_requests, of_tokens in self._buckets:
            requests_left -= of_requests
            tokens_left -= of_tokens
            if (requests is None or requests_left <= requests) and (tokens is None or tokens_left <= tokens):
                return second + SPAN
        return None
