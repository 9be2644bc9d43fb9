from typing import Any

import pytest

from appliance.domain.identity import Limits
from appliance.domain.ids import ModelName
from tests.fakes.site import a_key


def test_a_key_without_models_may_use_none() -> None:
    assert not a_key(models=()).allows(ModelName("llama"))


def test_a_star_means_every_model() -> None:
    assert a_key(models=("*",)).allows(ModelName("whatever comes"))


def test_a_key_may_use_what_it_names_and_nothing_like_it() -> None:
    key = a_key(models=("llama",))

    assert key.allows(ModelName("llama"))
    assert not key.allows(ModelName("LLAMA"))
    assert not key.allows(ModelName("llama-2"))


@pytest.mark.parametrize("field", ["rpm", "tpm", "parallel", "budget", "budget_tokens"])
def test_a_limit_may_be_nothing_at_all_but_not_less(field: str) -> None:
    none_at_all: dict[str, Any] = {field: 0}
    less: dict[str, Any] = {field: -1}

    Limits(**none_at_all)
    with pytest.raises(ValueError, match=field):
        Limits(**less)
