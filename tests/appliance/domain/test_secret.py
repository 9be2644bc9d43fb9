import pickle

import msgspec
import pytest

from appliance.domain.secret import Secret

PLAIN = "rdt_this-must-not-be-seen"


@pytest.mark.parametrize(
    "shown",
    [repr, str, "{}".format, "{:>40}".format, "%s".__mod__, "%r".__mod__, lambda secret: repr([secret])],
)
def test_a_secret_is_never_printed(shown: object) -> None:
    assert callable(shown)

    assert PLAIN not in shown(Secret(PLAIN))


def test_a_secret_is_revealed_by_that_name_alone() -> None:
    secret = Secret(PLAIN)

    assert secret.reveal() == PLAIN
    assert not hasattr(secret, "__dict__")


def test_a_secret_does_not_travel() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret(PLAIN))
    with pytest.raises(TypeError):
        msgspec.json.encode(Secret(PLAIN))


def test_secrets_are_equal_by_what_they_hold() -> None:
    assert Secret(PLAIN) == Secret(PLAIN)
    assert Secret(PLAIN) != Secret(PLAIN + "x")
    assert Secret(PLAIN) != PLAIN
    assert len({Secret(PLAIN), Secret(PLAIN)}) == 1
    assert Secret("ü") == Secret("ü")
