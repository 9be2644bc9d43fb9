"""What is sent in place of what was found."""

import pytest

from appliance.domain.errors import ContentBlocked, RedactionUnavailable
from appliance.domain.privacy import Action, Entity, Finding
from appliance.domain.upstream import Kind
from appliance.redaction.leaf import Leaf, Origin
from appliance.redaction.placeholders import Keys, Mask, keyed_name, label
from appliance.redaction.restore import LONGEST, Restorer
from tests.fakes.findings import always, chat, found_in, masked, said

KEYS = Keys(pseudonym=b"p" * 32, hash_key=b"h" * 32, encrypt=lambda text, data: text[::-1] + data)


def leaf(text: str) -> Leaf:
    return Leaf(("messages", 0, "content"), text, Origin.USER)


def put_back(mask: Mask, text: str) -> str:
    restorer = Restorer(mask.table())
    return restorer.feed(text) + restorer.end()


def test_a_value_keeps_its_number_through_the_conversation() -> None:
    sent, _ = masked(chat("Ann Smith and Bo", "bob@mail.corp of Bo", "Ann Smith"))

    assert said(sent) == ["[PERSON_1] and [PERSON_2]", "[EMAIL_ADDRESS_1] of [PERSON_2]", "[PERSON_1]"]


def test_one_more_turn_changes_no_number_before_it() -> None:
    turns = ["Bo met Ann Smith", "[PERSON_3] Leeds", "Ann Smith", "ANN SMITH and Leeds", "new: bob@mail.corp"]

    for length in range(1, len(turns)):
        before, after = masked(chat(*turns[:length]))[0], masked(chat(*turns[: length + 1]))[0]

        assert said(after)[:length] == said(before)


def test_another_spelling_has_the_same_number_and_a_letter() -> None:
    sent, mask = masked(
        chat("Ann Smith", "ANN SMITH", "ann  smith"),
        {**dict.fromkeys(("Ann Smith", "ANN SMITH", "ann  smith"), "PERSON")},
    )

    assert said(sent) == ["[PERSON_1]", "[PERSON_1b]", "[PERSON_1c]"]
    assert put_back(mask, "[PERSON_1b] [PERSON_1c] [PERSON_1]") == "ANN SMITH ann  smith Ann Smith"


@pytest.mark.parametrize(
    ("entity", "one", "two"),
    [
        ("CREDIT_CARD", "4111 1111 1111 1111", "4111-1111-1111-1111"),
        ("IBAN_CODE", "DE89 3704 0044 0532 0130 00", "de89370400440532013000"),
        ("PHONE_NUMBER", "+49 (30) 123-456", "+4930123456"),
        ("PERSON", "STRASSE", "straße"),
    ],
)
def test_grouping_and_case_make_no_other_value(entity: str, one: str, two: str) -> None:
    sent, _ = masked(chat(one, two), {one: entity, two: entity})

    assert said(sent) == [f"[{label(entity)}_1]", f"[{label(entity)}_1b]"]


@pytest.mark.parametrize(
    ("entity", "one", "two"),
    [("DATE_TIME", "12/1/2020", "1/21/2020"), ("IP_ADDRESS", "1.21.1.1", "12.1.1.1"), ("PERSON", "Ann", "Anna")],
)
def test_two_values_share_no_number(entity: str, one: str, two: str) -> None:
    sent, _ = masked(chat(one, two), {one: entity, two: entity})

    assert said(sent) == [f"[{label(entity)}_1]", f"[{label(entity)}_2]"]


def test_one_text_of_two_kinds_has_two_placeholders() -> None:
    mask = Mask(Kind.CHAT)
    for entity in ("PERSON", "LOCATION"):
        mask.cover(leaf("Paris"), [Finding(0, 5, Entity(entity), 1)], always(Action.MASK))

    assert put_back(mask, "[PERSON_1] in [LOCATION_1]") == "Paris in Paris"


def test_more_spellings_than_letters_get_numbers() -> None:
    mask = Mask(Kind.CHAT)
    texts = ["".join(c.upper() if n >> i & 1 else c for i, c in enumerate("abcdefghijkl")) for n in range(1000)]

    tokens = [mask.cover(leaf(t), [Finding(0, 12, Entity("PERSON"), 1)], always(Action.MASK)) for t in texts]

    assert len(set(tokens)) == 1000
    assert put_back(mask, " ".join(tokens)) == " ".join(texts)


@pytest.mark.parametrize(
    ("action", "sent"),
    [
        (Action.ALLOW, "to Bo!"),
        (Action.MASK, "to [PERSON_1]!"),
        (Action.REPLACE, "to [PERSON]!"),
        (Action.REDACT, "to !"),
        (Action.PSEUDONYM, f"to [PERSON_{keyed_name(b'p' * 32, 'pseudonym', 'PERSON', 'bo')}]!"),
        (Action.HASH, f"to [PERSON#{keyed_name(b'h' * 32, 'hash', 'PERSON', 'bo')}]!"),
        (Action.ENCRYPT, "to [PERSON:b0JQRVJTT04]!"),
    ],
)
def test_each_action_sends_its_own(action: Action, sent: str) -> None:
    body, mask = masked(chat("to Bo!"), action=action, keys=KEYS)

    assert said(body) == [sent]
    assert mask.counts == {(Entity("PERSON"), action): 1}


def test_what_is_blocked_is_refused_by_entity_and_place_and_never_by_value() -> None:
    with pytest.raises(ContentBlocked) as refused:
        masked(chat("hello", "to Bo!"), action=Action.BLOCK)

    assert refused.value.param == "messages[1].content"
    assert "PERSON" in refused.value.message
    assert "Bo" not in refused.value.message


@pytest.mark.parametrize("action", [Action.PSEUDONYM, Action.HASH, Action.ENCRYPT])
def test_an_action_without_its_key_refuses(action: Action) -> None:
    with pytest.raises(RedactionUnavailable):
        masked(chat("Bo"), action=action)


@pytest.mark.parametrize("places", [[(3, 2)], [(0, 9)], [(0, 2), (1, 3)], [(2, 3), (0, 1)], [(-1, 1)]])
def test_places_that_are_none_refuse(places: list[tuple[int, int]]) -> None:
    findings = [Finding(start, end, Entity("PERSON"), 1) for start, end in places]

    with pytest.raises(RedactionUnavailable):
        Mask(Kind.CHAT).cover(leaf("Bo Ann"), findings, always(Action.MASK))


def test_a_pseudonym_is_the_same_in_every_request_and_comes_back() -> None:
    one, _ = masked(chat("Leeds: Ann Smith"), action=Action.PSEUDONYM, keys=KEYS)
    two, mask = masked(chat("Ann Smith"), action=Action.PSEUDONYM, keys=KEYS)

    assert said(one)[0].endswith(said(two)[0])
    assert put_back(mask, said(two)[0].upper()) == "Ann Smith"


def test_in_embeddings_all_spellings_share_one_pseudonym() -> None:
    body = {"model": "m", "input": ["Ann Smith", "ANN SMITH"]}

    sent, _ = masked(body, action=Action.PSEUDONYM, kind=Kind.EMBEDDINGS, keys=KEYS)

    assert sent["input"][0] == sent["input"][1]


def test_a_typed_placeholder_stays_and_its_number_is_given_to_nobody() -> None:
    sent, mask = masked(chat("what is [PERSON_1] or [person_2]?", "Bo"))

    assert said(sent) == ["what is [PERSON_1] or [person_2]?", "[PERSON_3]"]
    assert put_back(mask, " ".join(said(sent))) == "what is [PERSON_1] or [person_2]? Bo"


def test_a_placeholder_typed_after_its_number_was_given_comes_back_as_typed() -> None:
    sent, mask = masked(chat("Bo", "is [person_1] Bo?"))

    assert said(sent) == ["[PERSON_1]", "is [PERSON_2] [PERSON_1]?"]
    assert put_back(mask, said(sent)[1]) == "is [person_1] Bo?"


def test_what_a_schema_fixes_is_reserved() -> None:
    tool = {"function": {"name": "f", "parameters": {"enum": ["[PERSON_1]"]}}}

    sent, _ = masked({**chat("Bo"), "tools": [tool]})

    assert said(sent) == ["[PERSON_2]"]
    assert sent["tools"] == [tool]


def test_a_value_in_arguments_is_changed_and_all_else_stays() -> None:
    arguments = '{ "who":"Ann Smith" , "n": 1e5,\n"who": ["Bo", "x\\u00e9 Leeds"] }'
    call = {"id": "c", "function": {"name": "f", "arguments": arguments}}

    sent, _ = masked({"messages": [{"role": "assistant", "tool_calls": [call]}]})

    assert sent["messages"][0]["tool_calls"][0]["function"]["arguments"] == (
        '{ "who":"[PERSON_1]" , "n": 1e5,\n"who": ["[PERSON_2]", "x\\u00e9 [LOCATION_1]"] }'
    )


def test_a_covered_number_becomes_a_string() -> None:
    body = {"messages": [{"role": "tool", "content": '{"card": 4111111111111111, "n": 1}'}]}

    sent, _ = masked(body, {"4111111111111111": "CREDIT_CARD"})

    assert said(sent) == ['{"card": "[CREDIT_CARD_1]", "n": 1}']


def test_a_finding_over_two_values_covers_each() -> None:
    body = {"messages": [{"role": "tool", "content": '["Ann", "Smith"]'}]}

    sent, _ = masked(body, {'Ann", "Smith': "PERSON"})

    assert said(sent) == ['["[PERSON_1]", "[PERSON_2]"]']


def test_keys_in_arguments_are_never_changed() -> None:
    body = {"messages": [{"role": "tool", "content": '{"Bo": "Bo"}'}]}

    sent, mask = masked(body)

    assert said(sent) == ['{"Bo": "[PERSON_1]"}']
    assert mask.counts == {(Entity("PERSON"), Action.MASK): 1, (Entity("PERSON"), Action.ALLOW): 1}


def test_a_blocked_finding_in_a_key_refuses() -> None:
    body = {"messages": [{"role": "tool", "content": '{"Bo": 1}'}]}

    with pytest.raises(ContentBlocked):
        masked(body, action=Action.BLOCK)


def test_an_empty_value_inside_a_finding_stays_empty() -> None:
    body = {"messages": [{"role": "tool", "content": '["a", "", "b"]'}]}

    sent, _ = masked(body, {'a", "", "b': "PERSON"})

    assert said(sent) == ['["[PERSON_1]", "", "[PERSON_2]"]']


@pytest.mark.parametrize("entity", ["US_HEALTH_INSURANCE_MEMBER_ID", "Straße", "1", "a-b c", "X" * 300, "", "A_1"])
def test_no_entitys_name_makes_a_placeholder_too_long(entity: str) -> None:
    for action in (Action.MASK, Action.PSEUDONYM):
        for text in ("Bo", "BO"):
            sent, mask = masked(chat(text), {text: entity}, action=action, keys=KEYS)

            assert len(said(sent)[0]) < LONGEST
            assert put_back(mask, said(sent)[0]) == text


def test_entities_that_are_shortened_alike_share_no_placeholder() -> None:
    words = {"Ann": "DE_SOCIAL_SECURITY_A", "Bo": "DE_SOCIAL_SECURITY_B"}

    assert said(masked(chat("Ann Bo"), words)[0]) == ["[DE_SOCIAL_SECURITY_1] [DE_SOCIAL_SECURITY_2]"]


def test_nothing_of_a_value_is_shown() -> None:
    _, mask = masked(chat("Bo"))

    assert "Bo" not in repr((mask, mask.table(), KEYS, found_in("Bo")))


def test_a_key_that_looks_like_a_placeholder_is_reserved() -> None:
    body = chat("Bo")
    body["messages"].append({"role": "tool", "content": '{"[PERSON_1]": "Bo"}'})

    assert said(masked(body)[0]) == ["[PERSON_2]", '{"[PERSON_1]": "[PERSON_2]"}']


def test_what_a_model_says_is_covered_and_only_the_clients_own_comes_back() -> None:
    _, mask = masked(chat("Ann Smith"))
    table, answering = mask.table(), mask.answering()
    said_by_model = "[PERSON_1], ANN SMITH, Bo and Leeds; [PERSON_9]"

    covered = answering.cover(leaf(said_by_model), found_in(said_by_model), always(Action.MASK))
    restorer = Restorer(table)

    assert covered == "[PERSON_1], [PERSON_1], [PERSON_2] and [LOCATION_1]; [PERSON_9]"
    assert restorer.feed(covered) + restorer.end() == "Ann Smith, Ann Smith, [PERSON_2] and [LOCATION_1]; [PERSON_9]"
    assert put_back(mask, "[PERSON_2]") == "[PERSON_2]"
