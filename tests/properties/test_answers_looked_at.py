"""Laws of looking at answers: however a stream is cut, the client reads what it would have read in a whole answer."""

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.privacy import Action, Direction, Entity
from appliance.domain.privacy_policy import Output, Preset, Rule, Terms
from appliance.domain.redaction import Treatment
from appliance.domain.upstream import Chunk, Finished, Kind, StreamEvent
from appliance.redaction.output import Outgoing
from appliance.redaction.placeholders import Keys
from appliance.redaction.policy.resolve import InForce, in_force, whole
from appliance.redaction.redactor import Redactor
from tests.fakes.analyser import FakeAnalyser

CARD, OTHER = "4111 1111 1111 1111", "Grace Hopper"
BITS = st.sampled_from(
    ["[PERSON_1]", "[person_1]", "[PERSON_", CARD, OTHER, "Ada Lovelace", "plain words ", "]", "[", " ", "1"]
)
TEXTS = st.lists(BITS, max_size=30).map("".join)
ASKED = {"model": "m", "messages": [{"role": "user", "content": "I am Ada Lovelace"}]}
FIELDS = st.sampled_from(["content", "reasoning", "refusal", "arguments"])


def rules(output: Output) -> InForce:
    told = {"PERSON": Action.MASK, "CREDIT_CARD": Action.REPLACE}
    given = tuple(
        (Entity(name), Rule(action=action, direction=Direction.BOTH)) for name, action in sorted(told.items())
    )
    return in_force(whole("own", Terms(based_on=Preset.OFF, rules=given, output=output, window=40)))


async def outgoing(output: Output) -> Outgoing:
    told = Treatment("own")
    covered = await Redactor(FakeAnalyser(), Keys()).request(Kind.CHAT, ASKED, rules(output), told)
    assert covered.answer is not None
    return covered.answer


def placed(field: str, text: str) -> dict[str, Any]:
    if field == "arguments":
        return {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}
    return {field: text}


def read(field: str, said: dict[str, Any]) -> str:
    if field == "arguments":
        return "".join(call["function"].get("arguments") or "" for call in said.get("tool_calls") or ())
    return said.get(field) or ""


async def in_one(output: Output, field: str, text: str) -> str:
    body = {"choices": [{"index": 0, "message": placed(field, text), "finish_reason": "stop"}]}
    answer = await (await outgoing(output)).whole(body)
    return read(field, answer["choices"][0]["message"])


async def in_pieces(output: Output, field: str, pieces: list[str]) -> list[str]:
    """What each event says; the last one is the end's."""
    answer = await outgoing(output)
    chunks = [Chunk({"choices": [{"index": 0, "delta": placed(field, one), "finish_reason": None}]}) for one in pieces]
    end = Chunk({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    said = []
    came: list[StreamEvent] = [*chunks, end, Finished()]
    for event in came:
        out = await answer.events([event])
        said += [read(field, one.body["choices"][0]["delta"]) for one in out if isinstance(one, Chunk)]
    return said


@settings(deadline=None)
@given(text=TEXTS, field=FIELDS, output=st.sampled_from(Output), data=st.data())
def test_a_stream_says_what_a_whole_answer_says(text: str, field: str, output: Output, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    said = asyncio.run(in_pieces(output, field, pieces))

    assert "".join(said) == asyncio.run(in_one(output, field, text))
    assert CARD not in "".join(said)
    assert OTHER not in "".join(said)


def test_a_window_lets_the_stream_go_on_and_a_buffer_waits_for_its_end() -> None:
    pieces = ["plain words "] * 20

    windowed, buffered = (asyncio.run(in_pieces(output, "content", pieces)) for output in Output)

    assert len("".join(windowed[:-1])) >= len("".join(pieces)) - 2 * 40
    assert "".join(buffered[:-2]) == ""
