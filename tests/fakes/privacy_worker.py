"""Worker processes for tests: one that only speaks the protocol and misbehaves on demand, and the real one.

command("scripted")      what it does stands in the text: see `act`
command("shipped", ...)  the real worker of this checkout; arguments: model and digest, or none
command("real", ...)     the real worker, tests/fakes/recognisers in place of ours
"""

import os
import signal
import sys
import time
from pathlib import Path

from appliance.redaction import wire
from appliance.redaction.worker.__main__ import main

ROOT = Path(__file__).parents[2]
MARK = "Marlene"


def command(kind: str, *arguments: str, before: str = "pass") -> tuple[str, ...]:
    """`before`: statements run first of all."""
    path = f"import sys; sys.path[:0] = [{str(ROOT)!r}]"
    run = f"{path}; {before}; import tests.fakes.privacy_worker as w; sys.exit(w.{kind}(sys.argv[1:]))"
    return (sys.executable, "-I", "-B", "-c", run, *arguments)


def real(arguments: list[str]) -> int:
    return main(arguments, "tests.fakes.recognisers")


def shipped(arguments: list[str]) -> int:
    return main(arguments)


def scripted(arguments: list[str]) -> int:
    """Arguments: `refuse`, `silent`, `die` at the start; `fat` says it holds much memory."""
    if "refuse" in arguments:
        say(wire.Refused("the model is another"))
        return 1
    if "die" in arguments:
        print("last words", file=sys.stderr)
        return 3
    if "silent" in arguments:
        time.sleep(600)
    say(wire.Ready("fake-1@abc"))
    known: set[str] = set()
    while prefix := sys.stdin.buffer.read(wire.PREFIX):
        asked = wire.asked(sys.stdin.buffer.read(wire.length(prefix)))
        if isinstance(asked, wire.Define):
            if len(known) == wire.MOST_ANALYSES:
                known.clear()
            known.add(asked.digest)
            continue
        assert asked.digest in known
        resident = 10**12 if "fat" in arguments else 10**6
        for text in asked.texts:
            act(text, asked.number)
        if all("mute" not in text for text in asked.texts):
            say(wire.Found(asked.number, [places(text) for text in asked.texts], resident))
    return 0


def act(text: str, number: int) -> None:
    if "hang" in text:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        time.sleep(600)
    if "slow" in text:
        time.sleep(0.2)
    if "die" in text:
        os.kill(os.getpid(), signal.SIGKILL)
    if "garbage" in text:
        write(b"\x00\x00\x00\x05hello")
    if "huge" in text:
        write(b"\xff\xff\xff\xff")
    if "closed" in text:
        os.close(0)
        os.close(1)
        time.sleep(600)
    if "stale" in text:
        say(wire.Found(number - 1, [[]], 0))
    if "fail" in text:
        say(wire.Failed(number, "a recogniser failed with ValueError"))
        raise SystemExit(0)
    if "talks" in text:
        print(text * 1000, file=sys.stderr, flush=True)


def places(text: str) -> list[wire.Place]:
    if "outside" in text:
        return [(0, len(text) + 1, "PERSON", 0.9, False)]
    if "unknown" in text:
        return [(0, 1, "SHOE_SIZE", 0.9, False)]
    if "crossing" in text:
        return [(0, 4, "PERSON", 0.9, False), (3, 6, "PERSON", 0.9, False)]
    at = text.find(MARK)
    return [] if at < 0 else [(at, at + len(MARK), "PERSON", 0.9, False)]


def say(message: wire.Said) -> None:
    write(wire.framed(message))


def write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
