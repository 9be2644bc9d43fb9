"""Findings of texts seen before, so that a resent conversation costs only its last message.

A key is a keyed hash of analysis and text under a secret made when the cache is; places are all that is kept. A dump of
this memory names no text, and no guess of one can be tried on it without the secret.
"""

import os
from collections import OrderedDict
from hashlib import blake2b
from typing import Final

from appliance.domain.privacy import Finding

Key = bytes
_ENTRY: Final = 250  # bytes: key, tuple, slot; measured on CPython 3.11
_FINDING: Final = 90


class Cache:
    """The least recently used goes first. Not thread-safe: it belongs to one event loop."""

    def __init__(self, *, entries: int, size: int) -> None:
        """At most `entries`, and about `size` bytes."""
        self._entries, self._size = entries, size
        self._held: OrderedDict[Key, tuple[Finding, ...]] = OrderedDict()
        self._used = 0
        self._secret = os.urandom(32)

    def __repr__(self) -> str:
        return f"Cache({len(self._held)} texts, {self._used} bytes)"

    def __len__(self) -> int:
        return len(self._held)

    @property
    def used(self) -> int:
        """Bytes, about."""
        return self._used

    def key(self, digest: str, text: str) -> Key:
        """Raises UnicodeEncodeError for half a surrogate pair."""
        return blake2b(text.encode(), key=self._secret, salt=bytes.fromhex(digest[:32]), digest_size=32).digest()

    def get(self, key: Key) -> tuple[Finding, ...] | None:
        found = self._held.get(key)
        if found is not None:
            self._held.move_to_end(key)
        return found

    def put(self, key: Key, found: tuple[Finding, ...]) -> None:
        before = self._held.pop(key, None)
        if before is not None:
            self._used -= _weight(before)
        if _weight(found) > self._size:
            return
        self._held[key] = found
        self._used += _weight(found)
        while len(self._held) > self._entries or self._used > self._size:
            _, old = self._held.popitem(last=False)
            self._used -= _weight(old)


def _weight(found: tuple[Finding, ...]) -> int:
    return _ENTRY + _FINDING * len(found)
