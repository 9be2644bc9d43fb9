"""Placeholders that nobody put out: typed by a user, made up by a model, or pieced together out of what is left."""

import pytest

from appliance.domain.privacy import Action, Entity, Finding
from appliance.domain.upstream import Body, Kind
from appliance.redaction.answers import Restoration
from appliance.redaction.placeholders import Keys, Mask
from tests.fakes.findings import chat, masked, said
from tests.fakes.leaf import a_leaf

KEYS = Keys(pseudonym=b"p" * 32)


def answered(mask: Mask, text: str) -> str:
    body: Body = {"choices": [{"index": 0, "message": {"content": text}}]}
    Restoration(mask.table()).answer(body)
    content: str = body["choices"][0]["message"]["content"]
    return content


@pytest.mark.parametrize(
    "made_up",
    [
        "[PERSON_2]",
        "[PERSON_01]",
        "[PERSON_1_]",
        "[PERSON_1bb]",
        "[EMAIL_ADDRESS_1]",
        "[PERSON_99999999999]",
        "[PERSON_" + "9" * 5000 + "]",
        "[PERSON_\u0661]",
        "[PERSON_-1]",
        "[PERSON_1\u200b]",
        "\uff3bPERSON_1\uff3d",
        "[PER[SON_1]",
        "[PERSON_1\n]",
    ],
)
def test_a_placeholder_the_model_makes_up_stands_for_itself(made_up: str) -> None:
    _, mask = masked(chat("Bo"))

    assert answered(mask, made_up) == made_up


def test_a_value_that_holds_a_placeholder_is_put_back_once() -> None:
    text = "call me [PERSON_1] please"
    _, mask = masked(chat("Bo", text), {"Bo": "PERSON", text: "PERSON"})

    assert answered(mask, "[PERSON_2]") == text


def test_another_requests_numbers_mean_nothing_here() -> None:
    masked(chat("Ann Smith"))
    _, mask = masked(chat("hello"))

    assert answered(mask, "[PERSON_1]") == "[PERSON_1]"


def test_a_hole_that_was_redacted_forges_no_placeholder() -> None:
    mask = Mask(Kind.CHAT)

    def action(entity: Entity) -> Action:
        return Action.REDACT if entity == "AGE" else Action.MASK

    mask.cover(a_leaf("Bo"), [Finding(0, 2, Entity("PERSON"), 1)], action)
    sent = mask.cover(a_leaf("[PERSON_421]"), [Finding(8, 10, Entity("AGE"), 1)], action)

    assert sent == "[PERSON_2]"  # the halves look like `[PERSON_1]` and are a text of their own
    assert answered(mask, sent) == "[PERSON_1]"


@pytest.mark.parametrize("typed", ["[PERSON_1]", "[person_1]", "[PERSON_1b]", "[Person_7]"])
@pytest.mark.parametrize("first", [True, False])
def test_what_a_user_typed_comes_back_as_typed(typed: str, first: bool) -> None:  # noqa: FBT001  # pytest passes by name
    texts = [typed, "ANN SMITH Ann Smith"] if first else ["ANN SMITH Ann Smith", typed]

    sent, mask = masked(chat(*texts))

    assert [answered(mask, text) for text in said(sent)] == texts


def test_a_typed_pseudonym_comes_back_as_typed_even_before_its_value() -> None:
    [pseudonym] = said(masked(chat("Bo"), action=Action.PSEUDONYM, keys=KEYS)[0])
    texts = [pseudonym, "Bo", pseudonym.lower(), pseudonym]

    sent, mask = masked(chat(*texts), action=Action.PSEUDONYM, keys=KEYS)

    assert [answered(mask, text) for text in said(sent)] == texts
    assert len(set(said(sent))) == 3


def test_a_placeholder_spelled_in_escapes_comes_back_as_typed() -> None:
    body = chat("Bo")
    arguments = '{"a": "\\u005bPERSON_1\\u005d"}'
    body["messages"].append({"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": arguments}}]})

    sent, mask = masked(body)

    call = sent["messages"][1]["tool_calls"][0]
    assert call["function"]["arguments"] == '{"a": "[PERSON_2]"}'
    answer: Body = {"choices": [{"message": {"tool_calls": [call]}}]}
    Restoration(mask.table()).answer(answer)
    assert call["function"]["arguments"] == '{"a": "[PERSON_1]"}'


def test_a_thousand_typed_numbers_cost_a_thousand_steps() -> None:
    typed = " ".join(f"[PERSON_{number}]" for number in range(1, 1001))

    sent, _ = masked(chat(typed, "Bo", "Ann Smith"))

    assert said(sent)[1:] == ["[PERSON_1001]", "[PERSON_1002]"]
