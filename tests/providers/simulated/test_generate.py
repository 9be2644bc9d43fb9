"""Laws of the deterministic generators: tokens, text, vectors, instances of schemas and patterns."""

import json
import math
import re

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.simulated.compose import Ask, plan
from providers.simulated.generate import count, pieces, prose, seed_of, text_of, token_ids, vector
from providers.simulated.pattern import BadPattern, sample
from providers.simulated.schema import BadSchema, instance

SEEDS = st.integers(min_value=0, max_value=2**64 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))

_LEAVES = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "minLength": 3, "maxLength": 5},
        {"type": "string", "format": "uuid"},
        {"type": "string", "pattern": "^[a-f]{2,4}(-\\d+)?$"},
        {"type": "integer", "minimum": -3, "maximum": 3},
        {"type": "integer", "exclusiveMinimum": 0, "multipleOf": 7},
        {"type": "number", "exclusiveMaximum": 1},
        {"type": "boolean"},
        {"type": "null"},
        {"type": ["string", "null"]},
        {"enum": ["a", 1, None]},
        {"const": {"k": [1]}},
        {"$ref": "#/$defs/leaf"},
        {},
    ]
)
_SCHEMAS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda items, least: {"type": "array", "items": items, "minItems": least, "maxItems": least + 1},
            inner,
            st.integers(0, 3),
        ),
        st.builds(
            lambda fields: {
                "type": "object",
                "properties": fields,
                "required": list(fields),
                "additionalProperties": False,
            },
            st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
        ),
        st.builds(lambda options: {"anyOf": options}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=8,
)


@given(TEXTS)
def test_token_ids_turn_back_into_their_text(text: str) -> None:
    assert text_of(token_ids(text)) == text
    assert len(token_ids(text)) == count(text)


@given(TEXTS)
def test_pieces_join_to_the_text_and_there_is_one_for_each_token(text: str) -> None:
    parts = pieces(text.encode())

    assert "".join(parts) == text
    assert len(parts) == count(text)


@given(SEEDS, st.integers(min_value=0, max_value=300))
def test_prose_is_exactly_as_long_as_asked_and_whole_characters(seed: int, tokens: int) -> None:
    raw = prose(seed, tokens)

    assert count(raw.decode()) == tokens
    assert len(raw) == 4 * tokens
    assert raw == prose(seed, tokens)


@given(TEXTS, st.integers(min_value=1, max_value=64))
def test_a_vector_has_length_one_and_depends_on_its_text(text: str, dimensions: int) -> None:
    values = vector(text, dimensions)

    assert len(values) == dimensions
    assert math.isclose(math.hypot(*values), 1.0)
    assert values == vector(text, dimensions)


@given(_SCHEMAS, SEEDS)
def test_an_instance_is_valid_for_its_schema(schema: dict[str, object], seed: int) -> None:
    whole = {**schema, "$defs": {"leaf": {"type": "integer"}}}

    value = instance(whole, seed)

    jsonschema_rs.validate(whole, value)
    assert json.dumps(value) == json.dumps(instance(whole, seed))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "no-such-type"},
        {"$ref": "#/$defs/missing"},
        {"type": "object", "properties": {"a": 3}},
        {"type": "string", "pattern": "((("},
        {"type": "array", "items": {"type": "integer"}, "minItems": 3, "maxItems": 1},
        {"type": "integer", "minimum": 5, "maximum": 4},
        {"$ref": "#"},
        {"enum": []},
    ],
)
def test_a_schema_nothing_fits_is_refused(schema: dict[str, object]) -> None:
    with pytest.raises(BadSchema):
        instance(schema, 1)


def test_a_recursive_schema_ends() -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["name", "children"],
    }

    jsonschema_rs.validate(schema, instance(schema, 7))


@pytest.mark.parametrize(
    "pattern",
    [r"\d{3}-[A-Z]+", r"(yes|no|maybe)?", r"[^a-z]{2}x*", r"\w+@\w+\.(com|org)", r"^a|b$", r"(?:ab){2,}", r"\D\S"],
)
@given(seed=SEEDS)
def test_a_sample_is_matched_by_its_pattern(pattern: str, seed: int) -> None:
    assert re.search(pattern, sample(pattern, seed, search=True))


@pytest.mark.parametrize("pattern", ["(((", r"(a)\1", "(?=a)b", "[z-a]"])
def test_a_pattern_that_cannot_be_written_from_is_refused(pattern: str) -> None:
    with pytest.raises(BadPattern):
        sample(pattern, 1)


@given(SEEDS, st.integers(1, 40), st.integers(1, 40), st.booleans())
def test_an_answer_never_exceeds_its_limit(seed: int, natural: int, limit: int, thinks: bool) -> None:  # noqa: FBT001  drawn by hypothesis
    made = plan(Ask(seed=seed, natural=natural, limit=limit, thinks=thinks))

    assert made.tokens <= limit
    assert (made.finish == "length") == (natural + (max(2, natural // 2) if thinks else 0) > limit)


@given(SEEDS, st.text("abcdefgh ", min_size=1, max_size=2))
def test_a_stop_string_never_shows_in_the_answer(seed: int, stop: str) -> None:
    made = plan(Ask(seed=seed_of(seed), natural=20, limit=20, stop=(stop,)))

    assert stop not in made.content
