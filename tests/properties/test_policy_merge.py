"""Laws of merging privacy policies: order does not matter, nothing is loosened."""

from itertools import permutations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.privacy import STRICTNESS, Action, Code, Direction, Entity, Fail, Media, SitePattern
from appliance.domain.privacy_policy import (
    DEFAULT_THRESHOLD,
    OFF,
    Guard,
    GuardAction,
    Guards,
    Output,
    Policy,
    Preset,
    Rule,
)
from appliance.redaction.policy.merge import merge, named
from appliance.redaction.policy.presets import PRESETS

ENTITIES = st.sampled_from([Entity(name) for name in ("PERSON", "IBAN_CODE", "SECRET", "EMPLOYEE")])
WORDS = st.lists(st.sampled_from(["a", "B", "c"]), max_size=3, unique=True).map(tuple)
RULES = st.builds(
    Rule,
    action=st.sampled_from(Action),
    threshold=st.none() | st.sampled_from([0.0, 0.3, 0.4, 0.9]),
    direction=st.sampled_from(Direction),
)
GUARDS = st.builds(
    Guards,
    actions=st.dictionaries(st.sampled_from(Guard), st.sampled_from(GuardAction)).map(
        lambda d: tuple(sorted(d.items()))
    ),
    image_hosts=WORDS,
)
POLICIES = st.builds(
    Policy,
    name=st.sampled_from(["one", "two", "three"]),
    rules=st.dictionaries(ENTITIES, RULES).map(lambda d: tuple(sorted(d.items()))),
    languages=WORDS,
    model=st.booleans(),
    code=st.sampled_from(Code),
    media=st.sampled_from(Media),
    fail=st.sampled_from(Fail),
    keep_line=st.booleans(),
    output=st.sampled_from(Output),
    window=st.integers(40, 400),
    phone_regions=WORDS,
    patterns=st.lists(
        st.builds(SitePattern, entity=ENTITIES, pattern=st.sampled_from(["a+", "b"])), max_size=2
    ).map(tuple),
    allow=WORDS,
    deny=st.lists(st.tuples(ENTITIES, st.sampled_from(["x", "y"])), max_size=2, unique=True).map(tuple),
    guards=GUARDS,
    most_characters=st.integers(1, 9),
    deadline=st.sampled_from([0.5, 2.0]),
) | st.sampled_from([*PRESETS.values()])  # fmt: skip
THREE = st.lists(POLICIES, min_size=3, max_size=3)


def content(policy: Policy) -> Policy:
    return msgspec.structs.replace(policy, name="", digest="")


@given(policy=POLICIES)
def test_a_merge_with_itself_or_with_nothing_is_the_policy(policy: Policy) -> None:
    alone = merge([policy])

    assert alone.active == policy.active
    assert merge([policy, policy]) == alone
    assert merge([alone]) == alone
    assert merge([OFF, policy, None]) == alone


@given(policies=THREE)
@settings(max_examples=60)
def test_the_order_of_policies_does_not_matter(policies: list[Policy]) -> None:
    merged = {merge(order) for order in permutations(policies)}

    assert len(merged) == 1


@given(policies=THREE)
def test_a_merge_never_loosens(policies: list[Policy]) -> None:
    merged = merge(policies)

    for one in policies:
        if not one.active:
            continue
        for entity, rule in one.rules:
            now = merged.rule(entity)
            assert now is not None
            assert STRICTNESS[now.action] >= STRICTNESS[rule.action]
            assert now.direction in {rule.direction, Direction.BOTH}
            before = DEFAULT_THRESHOLD if rule.threshold is None else rule.threshold
            assert (DEFAULT_THRESHOLD if now.threshold is None else now.threshold) <= before
        assert merged.model or not one.model
        assert merged.fail is Fail.CLOSED or one.fail is Fail.OPEN
        assert list(Media).index(merged.media) >= list(Media).index(one.media)
        assert {word.casefold() for word in merged.allow} <= {word.casefold() for word in one.allow}
        assert {*one.deny} <= {*merged.deny}
        assert {*one.patterns} <= {*merged.patterns}
        assert {*one.languages} <= {*merged.languages}
        assert merged.most_characters <= one.most_characters
        for guard, action in one.guards.actions:
            assert list(GuardAction).index(merged.guards.action(guard)) >= list(GuardAction).index(action)


def test_equal_policies_have_equal_ids_and_others_differ() -> None:
    standard, strict = (named(PRESETS[preset]) for preset in (Preset.STANDARD, Preset.STRICT))

    assert standard.id == merge([PRESETS[Preset.STANDARD], OFF]).id
    assert standard.digest != strict.digest
    assert merge([standard, strict]).name == "standard+strict"
