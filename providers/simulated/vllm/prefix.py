"""vLLM's prefix cache, seen from outside: whole blocks, chained hashes, separate by adapter and by salt."""

import hashlib
from collections import OrderedDict

from providers.simulated.generate import TOKEN_BYTES

CAPACITY = 65_536  # blocks


class PrefixCache:
    """Which blocks have been computed before."""

    def __init__(self, block_size: int, capacity: int = CAPACITY) -> None:
        self.block_size = block_size
        self._capacity = capacity
        self._blocks: OrderedDict[bytes, None] = OrderedDict()
        self.queries = 0  # tokens looked up
        self.hits = 0  # tokens found

    def cached_tokens(self, prompt: str, *, adapter: str, salt: str | None) -> int:
        """Tokens of the prompt found in the cache, a multiple of the block size; all its blocks are in it afterwards.

        The last token is always computed, so a prompt of exactly n blocks hits n-1 of them at most.
        """
        raw = prompt.encode(errors="replace")
        width = self.block_size * TOKEN_BYTES
        tokens = (len(raw) + TOKEN_BYTES - 1) // TOKEN_BYTES
        self.queries += tokens
        found, unbroken = 0, True
        chain = hashlib.blake2b(f"{adapter}\x00{salt or ''}".encode(errors="replace"), digest_size=16).digest()
        for start in range(0, len(raw) - width + 1, width):
            chain = hashlib.blake2b(chain + raw[start : start + width], digest_size=16).digest()
            if chain in self._blocks:
                self._blocks.move_to_end(chain)
                found += unbroken
            else:
                unbroken = False
                self._blocks[chain] = None
        while len(self._blocks) > self._capacity:
            self._blocks.popitem(last=False)
        hit = min(found, (tokens - 1) // self.block_size) * self.block_size if tokens else 0
        self.hits += hit
        return hit

    def clear(self) -> None:
        """Forget everything."""
        self._blocks.clear()
