"""Differences between an emulator and the recording of its original that may stay, each with its reason.

Short by intent: what can be made equal is made equal. An entry nothing uses fails the test.
"""

from tests.real.compare import Allowed

ALLOWED: tuple[Allowed, ...] = tuple(
    Allowed("vllm", path, "the text is the account its regex engine, written in Rust, gives of the pattern")
    for path in (
        "plain / bad grammar / body / error / message",
        "plain / bad grammar, streamed / stream / others / 0 / data / error / message",
    )
)
