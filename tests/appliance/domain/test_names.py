import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.names import KEY, LABEL, MODEL, model_named_after
from appliance.http.server.target import objection

CHARACTERS = st.text(alphabet="aZ09._:/@+- \n%\\é", max_size=12)


@pytest.mark.parametrize("name", ["llama", "org/model-7b:q4", "a/b/c@d+e", "7b", "a..b", "a/b..", "a" * 128])
def test_a_model_may_be_named_as_people_name_models(name: str) -> None:
    assert MODEL.fits(name)


@pytest.mark.parametrize(
    "name",
    ["", "a//b", "a/../b", "a/./b", "./a", "../a", "a/", "/a", "a/..", ".", "..", "a b", "a\n", "a\\b", "a%2fb", "a?b",
     "a#b", "é", "-a", "a/-b", "a" * 129],
)  # fmt: skip
def test_a_name_that_a_path_could_not_hold_as_it_is_names_no_model(name: str) -> None:
    assert not MODEL.fits(name)


@given(name=CHARACTERS)
def test_every_name_of_a_model_can_be_asked_for_in_a_path(name: str) -> None:
    assert not MODEL.fits(name) or objection(f"/v1/models/{name}".encode()) is None


@pytest.mark.parametrize("text", ["a", "a-b_c.d", "a" * 64])
def test_a_label_has_no_slash(text: str) -> None:
    assert LABEL.fits(text)
    assert not LABEL.fits(f"{text}/b")
    assert not LABEL.fits(f"{text}\n")


def test_a_key_may_be_named_in_words() -> None:
    assert KEY.fits("team a/ops")
    assert not KEY.fits(" a")
    assert not KEY.fits("a\n")


@given(text=st.one_of(CHARACTERS, st.text(alphabet="a/", min_size=120, max_size=140)))
def test_whatever_a_server_calls_its_model_a_model_can_be_named_after_it(text: str) -> None:
    assert MODEL.fits(model_named_after(text))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("org/model-7b:q4", "org/model-7b:q4"), ("/srv/models//./llama 8b/", "srv/models/llama-8b"), ("../..", "model"),
        ("é", "model"),
    ],
)  # fmt: skip
def test_a_model_is_named_after_what_its_server_calls_it(text: str, name: str) -> None:
    assert model_named_after(text) == name
