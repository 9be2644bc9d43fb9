"""What is asked of every gateway."""

import json

import msgspec

MODEL = "mock"
_TASK = "You are a careful assistant for an isolated network. " * 8
_TASK += "Summarise the attached incident report in five bullet points. "


def request(*, stream: bool = False, tokens: int = 100) -> str:
    """A chat request of about 1.2 KB."""
    body: dict[str, object] = {
        "model": MODEL,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": _TASK * 2}],
        "temperature": 0.2,
        "max_tokens": tokens,
    }
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(body)


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """Closed loop: each connection asks again when it has its answer. Times of the model in microseconds."""

    name: str
    told: str
    connections: int
    stream: bool = False
    latency_us: int = 0
    interval_us: int = 0

    @property
    def query(self) -> str:
        return f"latency_us={self.latency_us}&interval_us={self.interval_us}"


SCENARIOS = {
    one.name: one
    for one in (
        Scenario(name="ns_c1", told="not streamed, 1 connection", connections=1),
        Scenario(name="ns_c64", told="not streamed, 64 connections", connections=64),
        Scenario(
            name="ns_lat", told="not streamed, 64 connections, a model of 50 ms", connections=64, latency_us=50_000
        ),
        Scenario(name="st_c8", told="100 tokens at 10 ms, 8 streams", connections=8, stream=True, interval_us=10_000),
        Scenario(
            name="st_c32", told="100 tokens at 10 ms, 32 streams", connections=32, stream=True, interval_us=10_000
        ),
        Scenario(
            name="st_c128", told="100 tokens at 20 ms, 128 streams", connections=128, stream=True, interval_us=20_000
        ),
    )
}
