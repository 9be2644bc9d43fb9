"""From what a site says of its policies to the one in force for a request."""

import pytest

from appliance.domain.errors import RedactionUnavailable
from appliance.domain.privacy import Action, Direction, Entity, Fail, SitePattern
from appliance.domain.privacy_policy import Guard, GuardAction, Guards, Preset, Rule, Terms
from appliance.redaction.policy.presets import PRESETS
from appliance.redaction.policy.resolve import IDLE, Policies, analysis, whole

PERSON, SECRET = Entity("PERSON"), Entity("SECRET")


@pytest.mark.parametrize("preset", [preset for preset in Preset if preset not in {Preset.OFF, Preset.DETECT_ONLY}])
def test_every_preset_that_protects_blocks_secrets_and_fails_closed(preset: Preset) -> None:
    policy = PRESETS[preset]

    rule = policy.rule(SECRET)

    assert rule is not None
    assert (rule.action, policy.fail) == (Action.BLOCK, Fail.CLOSED)


def test_detect_only_changes_nothing() -> None:
    policy = PRESETS[Preset.DETECT_ONLY]

    assert {rule.action for _, rule in policy.rules} == {Action.ALLOW}
    assert policy.guards.actions == ()


def test_a_site_without_a_word_on_privacy_looks_at_nothing() -> None:
    assert Policies({}).in_force(key=None, route=None) is IDLE


def test_the_stricter_of_site_key_and_route_holds() -> None:
    hr = Terms(based_on=Preset.OFF, rules=((PERSON, Rule(action=Action.REDACT)),))
    policies = Policies({"hr": hr}, site="standard")

    found = policies.in_force(key="hr", route="off").policy

    assert found.name == "hr+standard"
    assert found.rule(PERSON) == Rule(action=Action.REDACT)
    assert found.rule(SECRET) == Rule(action=Action.BLOCK)
    assert policies.in_force(key=None, route=None).policy.name == "standard"
    assert policies.in_force(key="hr", route="off") is policies.in_force(key="hr", route="off")


def test_a_policy_of_ones_own_changes_its_preset_word_by_word() -> None:
    terms = Terms(
        based_on=Preset.STANDARD,
        rules=((PERSON, Rule(action=Action.ALLOW)),),
        model=False,
        patterns=(SitePattern(entity=Entity("EMPLOYEE"), pattern="E-[0-9]{6}"),),
        guards=Guards(actions=((Guard.IMAGES, GuardAction.BLOCK),), image_hosts=("img.example.org",)),
    )

    policy = whole("own", terms)

    assert policy.rule(PERSON) == Rule(action=Action.ALLOW)
    assert policy.rule(Entity("EMAIL_ADDRESS")) == PRESETS[Preset.STANDARD].rule(Entity("EMAIL_ADDRESS"))
    assert policy.rule(Entity("EMPLOYEE")) == Rule()
    assert policy.guards.action(Guard.IMAGES) is GuardAction.BLOCK
    assert policy.guards.action(Guard.INVISIBLE) is GuardAction.FLAG
    assert not policy.model


def test_a_name_that_is_no_policy_protects_by_refusing() -> None:
    policies = Policies({})

    with pytest.raises(RedactionUnavailable, match="no privacy policy is named `gone`"):
        policies.in_force(key="gone", route=None)


def test_an_analysis_holds_what_changes_findings_and_nothing_of_actions() -> None:
    masked = whole("a", Terms(based_on=Preset.OFF, rules=((PERSON, Rule(action=Action.MASK, threshold=0.5)),)))
    blocked = whole("b", Terms(based_on=Preset.OFF, rules=((PERSON, Rule(action=Action.BLOCK, threshold=0.5)),)))

    assert masked.digest != blocked.digest
    assert analysis(masked) == analysis(blocked)
    assert analysis(masked, Direction.OUT) is None


def test_an_analysis_holds_which_names_are_only_counted() -> None:
    rules = (
        (PERSON, Rule(action=Action.ALLOW)),
        (Entity("NRP"), Rule()),
        (Entity("US_SSN"), Rule(action=Action.ALLOW)),
    )

    found = analysis(whole("own", Terms(based_on=Preset.OFF, rules=rules)))

    assert found is not None
    assert found.counted == (PERSON,)


def test_an_analysis_of_answers_asks_for_what_is_looked_for_in_answers() -> None:
    rules = (
        (PERSON, Rule(direction=Direction.BOTH)),
        (Entity("CREDIT_CARD"), Rule(direction=Direction.OUT)),
        (SECRET, Rule(direction=Direction.IN)),
    )
    policy = whole("a", Terms(based_on=Preset.OFF, rules=rules))

    way_in, way_out = analysis(policy), analysis(policy, Direction.OUT)

    assert way_in is not None
    assert way_out is not None
    assert way_in.entities == ("PERSON", "SECRET")
    assert way_out.entities == ("CREDIT_CARD", "PERSON")
