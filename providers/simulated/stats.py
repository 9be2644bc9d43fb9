"""What an emulated server remembers of its requests, for tests to look at."""

import msgspec


class Stats(msgspec.Struct):
    """Counters of one emulated server since it started. Control requests are not counted."""

    requests: int = 0
    streams: int = 0  # answers that were streamed
    finished: int = 0  # requests answered to their last byte, errors included
    aborted: int = 0  # requests whose client left, or which a fault cut off
    live: int = 0  # requests being worked on now
    connections: int = 0  # connections accepted
    crashes: int = 0  # errors of the emulator itself; anything but 0 is a bug here
    prompt_tokens: int = 0
    generated_tokens: int = 0


class SeenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it arrived. Header names are lower case; of a repeated header the last value is kept."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> object:
        """The body decoded; raises msgspec.DecodeError when it is not JSON."""
        decoded: object = msgspec.json.decode(self.body)
        return decoded
