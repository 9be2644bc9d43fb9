import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.errors import FieldNotAllowed, ModelNotAllowed, ModelUnknown
from appliance.domain.identity import Limits
from appliance.domain.upstream import Body, Kind
from appliance.domain.view import view
from appliance.policy.grant import grant, refuse_fields
from appliance.policy.rules import GUARDED, NEVER, USUAL
from tests.fakes.site import a_body, a_principal

SITE = frozenset({"llama", "mistral", "payroll-assistant"})


def asked(model: str) -> Body:
    return a_body(model=model)


def test_a_grant_carries_the_limits_of_its_key() -> None:
    who = a_principal(limits=Limits(rpm=5))
    body = asked("llama")

    granted = grant(who, view(Kind.CHAT, body), body, SITE)

    assert (granted.principal, granted.model, granted.limits) == (who, "llama", Limits(rpm=5))


@pytest.mark.parametrize("model", ["payroll-assistant", "no-such-model"])
def test_whether_a_foreign_model_exists_is_not_told(model: str) -> None:
    who = a_principal(models=("llama", "mistral"))
    body = asked(model)

    with pytest.raises(ModelNotAllowed) as refused:
        grant(who, view(Kind.CHAT, body), body, SITE)

    message = refused.value.message.replace(model, "M")
    assert message == f"key `{who.key.hint}` may not use `M`; allowed here: `llama`, `mistral`"
    assert refused.value.param == "model"


def test_a_key_without_models_learns_that_it_has_none() -> None:
    body = asked("llama")

    with pytest.raises(ModelNotAllowed, match="allowed here: none"):
        grant(a_principal(models=()), view(Kind.CHAT, body), body, SITE)


def test_an_unknown_model_is_told_to_a_key_that_may_use_all() -> None:
    body = asked("llama-typo")

    with pytest.raises(ModelUnknown) as refused:
        grant(a_principal(), view(Kind.CHAT, body), body, SITE)

    assert refused.value.param == "model"
    assert not any(name in refused.value.message for name in SITE - {"llama"})


@pytest.mark.parametrize("field", sorted(GUARDED))
def test_a_guarded_field_passes_only_where_the_key_names_it(field: str) -> None:
    with pytest.raises(FieldNotAllowed) as refused:
        refuse_fields({field: 1}, tuple(GUARDED - {field}))

    assert refused.value.param == field
    refuse_fields({field: 1}, (field,))


@pytest.mark.parametrize("field", sorted(NEVER))
def test_no_key_may_steer_the_gateway(field: str) -> None:
    with pytest.raises(FieldNotAllowed) as refused:
        refuse_fields({field: "x"}, (*GUARDED, *NEVER))

    assert refused.value.param == field


@pytest.mark.parametrize("field", ["Priority", "CACHE_SALT", "Api_Base", "vllm_xarg\u017f"])
def test_another_case_does_not_pass_the_guard(field: str) -> None:
    with pytest.raises(FieldNotAllowed):
        refuse_fields({field: 1}, tuple(GUARDED))


def test_a_guarded_field_is_refused_in_a_whole_request() -> None:
    body = a_body(cache_salt="somebody else's")

    with pytest.raises(FieldNotAllowed):
        grant(a_principal(), view(Kind.CHAT, body), body, SITE)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=20), st.none()))
def test_fields_that_are_not_guarded_pass(body: Body) -> None:
    told = {name: value for name, value in body.items() if name.casefold() not in GUARDED | NEVER}

    refuse_fields(told, ())


def test_no_usual_field_is_guarded_or_never_taken() -> None:
    assert USUAL.isdisjoint(GUARDED | NEVER)
    assert all(name == name.casefold() for name in USUAL)
