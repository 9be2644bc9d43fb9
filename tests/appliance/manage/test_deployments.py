import pytest

from appliance.domain.errors import NotFound
from appliance.pipeline.manage.deployments import asked, every, find, parts, with_deployment, without_deployment
from tests.fakes.site import a_deployment, a_model

ONE, TWO, THREE = (a_deployment(label) for label in ("one", "two", "three"))


@pytest.mark.parametrize(
    ("named", "expected"), [("llama/one", ("llama", "one")), ("org/llama:7b/one", ("org/llama:7b", "one"))]
)
def test_a_deployment_is_named_by_its_model_and_its_label(named: str, expected: tuple[str, str]) -> None:
    assert parts(named) == expected


@pytest.mark.parametrize("named", ["", "/", "llama", "llama/", "/one"])
def test_a_name_without_model_or_label_is_no_deployment(named: str) -> None:
    with pytest.raises(NotFound, match="MODEL/LABEL"):
        parts(named)


def test_a_deployment_that_is_not_there_is_answered_with_the_nearest() -> None:
    assert find(a_model(ONE, TWO), "two") == TWO
    with pytest.raises(NotFound, match="did you mean `two`"):
        find(a_model(ONE, TWO), "twoo")
    with pytest.raises(NotFound, match="it has none"):
        find(without_deployment(a_model(ONE), "one"), "one")


def test_the_first_deployment_makes_its_model() -> None:
    assert with_deployment(None, ONE) == a_model(ONE)


def test_a_changed_deployment_keeps_its_place_and_a_new_one_comes_last() -> None:
    changed = a_deployment("one", weight=2.0)

    assert with_deployment(a_model(ONE, TWO), changed) == a_model(changed, TWO)
    assert with_deployment(a_model(ONE, TWO), ONE) == a_model(ONE, TWO)
    assert with_deployment(a_model(ONE, TWO, attempts=1), THREE) == a_model(ONE, TWO, THREE, attempts=1)


def test_a_deployment_is_taken_out_and_the_others_stay() -> None:
    assert without_deployment(a_model(ONE, TWO, THREE, attempts=1), "two") == a_model(ONE, THREE, attempts=1)


def test_a_doctor_asks_what_is_enabled_or_what_is_named() -> None:
    off = a_deployment("off", enabled=False)

    assert every([a_model(ONE, off), a_model(TWO)]) == [ONE, off, TWO]
    assert asked([a_model(ONE, off)], None) == [ONE]
    assert asked([a_model(ONE, off)], "llama/off") == [off]
    with pytest.raises(NotFound, match="`llama/none`"):
        asked([a_model(ONE)], "llama/none")
