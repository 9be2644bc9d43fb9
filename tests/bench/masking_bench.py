"""What masking costs the gateway's own process: CPU of the walk, of covering and of restoring. No analysis is in it.

    python tests/bench/masking_bench.py [--rounds 7]

A chat of ten turns and 11 KB, once with nothing to find and once with a finding every 38 characters, far more than
people write. Each figure is the best round's mean: noise only adds. Hostile texts are of 64 KB, in one go and in
pieces of four characters, as a stream brings them.
"""

import argparse
import json
import time
from collections.abc import Callable

from appliance.domain.privacy import Action, Finding, Media
from appliance.domain.upstream import Body, Kind
from appliance.redaction.answers import Restoration
from appliance.redaction.guards.images import foreign_image
from appliance.redaction.guards.marks import bidi, blob, invisible, override, role_marker, tags
from appliance.redaction.leaf import Leaf, Leaves
from appliance.redaction.placeholders import Mask
from appliance.redaction.restore import JsonRestorer, Restorer, Table
from appliance.redaction.walk import leaves, rewrite
from tests.fakes.findings import always, found_in

SIZE = 65_536
ANSWER = "Dear [PERSON_1], the letter to [EMAIL_ADDRESS_1] and [LOCATION_1] " * 15
TURN = (
    "Ann Smith wrote to bob@mail.corp about the roof of the house in Leeds; the second letter came back unopened. " * 10
)
HOSTILE = {
    "dots": "." * SIZE,
    "[": "[" * SIZE,
    "half placeholders": "[PERSON_" * (SIZE // 8),
    "distinct placeholders": "".join(f"[P_{number}]" for number in range(SIZE // 8)),
    "nested arrays": "[" * (SIZE // 2) + "]" * (SIZE // 2),
    "short strings": json.dumps(["a"] * (SIZE // 5)),
    "open strings": '["' * (SIZE // 2),
    "backslashes": '["' + "\\" * (SIZE - 4) + '"]',
    "json in json": json.dumps(json.dumps(json.dumps(['"'] * 2000))),
    "images": "![x](" * (SIZE // 5),
    "elements": "<img src" * (SIZE // 8),
    "base64": ("A" * 199 + " ") * (SIZE // 200),
    "overrides": "ignore all " * (SIZE // 11),
    "unseen": "a\u00ad\u00ad" * (SIZE // 3),
}


def a_chat() -> Body:
    messages: list[Body] = [{"role": "system", "content": "You are a helpful assistant."}]
    messages += [{"role": "assistant" if turn % 2 else "user", "content": TURN[:1000]} for turn in range(10)]
    arguments = json.dumps({"to": "bob@mail.corp", "body": "Hello Ann Smith\nand all"})
    call = {"id": "c1", "type": "function", "function": {"name": "mail", "arguments": arguments}}
    messages.insert(4, {"role": "assistant", "content": None, "tool_calls": [call]})
    messages.insert(5, {"role": "tool", "tool_call_id": "c1", "content": json.dumps({"ok": True, "to": ["Ann Smith"]})})
    return {"model": "m", "messages": messages, "user": "ann", "metadata": {"a": "b"}}


def covered(found: Leaves, findings: list[tuple[Finding, ...]]) -> Mask:
    mask = Mask(Kind.CHAT)
    mask.reserve(found.fixed)
    action = always(Action.MASK)
    rewrite(found, [mask.cover(leaf, own, action) for leaf, own in zip(found, findings, strict=True)])
    return mask


def cost(work: Callable[[], object], rounds: int, times: int) -> float:
    """Microseconds of CPU."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        for _ in range(times):
            work()
        best = min(best, (time.process_time() - begun) / times)
    return best * 1e6


def conversation(rounds: int) -> None:
    body = a_chat()
    found = leaves(Kind.CHAT, body, Media.ALLOW)
    findings = [found_in(leaf.text) for leaf in found]
    nothing: list[tuple[Finding, ...]] = [() for _ in found]
    table = covered(found, findings).table()

    def whole() -> None:
        Restoration(table).answer({"choices": [{"index": 0, "message": {"content": ANSWER}}]})

    def walk() -> Leaves:
        return leaves(Kind.CHAT, body, Media.ALLOW)

    event: Body = {"choices": [{"index": 0, "delta": {"content": " word"}, "finish_reason": None}]}
    bare, full = Restoration(Table({})), Restoration(table)
    print(
        f"chat of {len(json.dumps(body)):,} bytes, {len(found)} leaves, {sum(map(len, findings))} findings; us of CPU"
    )
    for name, work, times in (
        ("walk", walk, 200),
        ("walk, cover, write; nothing found", lambda: covered(walk(), nothing), 200),
        ("walk, cover, write; all found", lambda: covered(walk(), findings), 200),
        ("restore a whole answer of 1 KB with 45 placeholders", whole, 200),
        ("restore a stream event; nothing was masked", lambda: bare.chunk(event), 20_000),
        ("restore a stream event; much was masked", lambda: full.chunk(event), 20_000),
    ):
        print(f"  {cost(work, rounds, times):8.2f}  {name}")


def pieces(kind: type[Restorer], text: str, table: Table) -> None:
    restorer = kind(table)
    for at in range(0, len(text), 4):
        restorer.feed(text[at : at + 4])
    restorer.end()


def hostile(rounds: int) -> None:
    checks = (role_marker, override, invisible, bidi, tags, blob, foreign_image(frozenset()))
    table = Table({"[PERSON_1]": 'a"b'})
    print(f"{len(HOSTILE)} hostile texts of {SIZE:,} characters: the worst of each step; ms of CPU")

    def guards(leaf: Leaf) -> None:
        for check in checks:
            check(leaf)

    worst: dict[str, tuple[float, str]] = {}
    for name, text in HOSTILE.items():
        body: Body = {"messages": [{"role": "tool", "content": text}]}
        found = leaves(Kind.CHAT, body)
        for step, work in (
            ("walk", lambda body=body: leaves(Kind.CHAT, body)),
            ("cover", lambda found=found: covered(found, [()])),
            ("all guards", lambda found=found: guards(found[0])),
            ("restore in pieces", lambda text=text: pieces(Restorer, text, table)),
            ("restore in pieces, JSON", lambda text=text: pieces(JsonRestorer, text, table)),
        ):
            worst[step] = max(worst.get(step, (0.0, "")), (cost(work, rounds, 1) / 1000, name))
    for step, (spent, name) in worst.items():
        print(f"  {spent:8.2f}  {step}: {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds: int = parser.parse_args().rounds
    conversation(rounds)
    hostile(min(rounds, 3))


if __name__ == "__main__":
    main()
