"""How large, how slow and how many."""

import msgspec


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What one listener bears. Times in seconds, sizes in bytes."""

    headers: int = 100  # most header fields of a request
    header_bytes: int = 16 * 1024  # request line and header fields together
    header_seconds: float = (
        10.0  # from the first byte (or the connection) to the end of the header; also a TLS handshake
    )
    body_bytes: int = 32 * 1024 * 1024
    body_seconds: float = 300.0  # for the whole body, however fast it trickles
    body_min_rate: int = 1024  # a second, once the grace is over
    body_grace_seconds: float = 10.0
    idle_seconds: float = 75.0  # between requests
    stall_seconds: float = 30.0  # a client may leave our answer unread this long
    drain_seconds: float = 5.0  # to send the rest of a request that has been answered before it was read
    linger_seconds: float = 2.0  # to read our refusal before the connection goes
    connections: int = 4096
    per_peer: int = 1024  # connections of one address (of one /64 in IPv6)
    pipelined: int = 8  # requests waiting behind the one being answered

    @property
    def tick(self) -> float:
        """How often deadlines are looked at: often enough that each is kept within a quarter of itself."""
        shortest = min(
            self.header_seconds,
            self.body_seconds,
            self.body_grace_seconds,
            self.idle_seconds,
            self.stall_seconds,
            self.drain_seconds,
            self.linger_seconds,
        )
        return min(1.0, max(0.02, shortest / 4))
