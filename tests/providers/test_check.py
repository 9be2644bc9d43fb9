"""What is said of a deployment before it is ever called."""

from typing import Any

import pytest

from providers import builtin, load
from tests.providers.golden import deployment

NAMES = [traits.name for traits in builtin()]


def problems(name: str, **fields: Any) -> list[str]:
    return load([name], frozenset())[name].check(deployment(name, **fields))


@pytest.mark.parametrize("name", NAMES)
def test_a_plain_deployment_has_none(name: str) -> None:
    assert problems(name) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("url", ["http://10.0.0.1:8000/v1", "http://10.0.0.1:8000/v1/"])
def test_the_habit_of_appending_v1_is_caught(name: str, url: str) -> None:
    assert problems(name, url=url) == ["url ends in `/v1`; leave it out, the gateway adds it"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://10.0.0.1", "must look like"),
        ("10.0.0.1:8000", "must look like"),
        ("http://10.0.0.1/?key=1", "query or fragment"),
        ("http://[half", "cannot be read"),
    ],
)
def test_an_address_that_is_none_is_caught(name: str, url: str, said: str) -> None:
    (problem,) = problems(name, url=url)

    assert said in problem


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_upstream_model_is_caught(name: str) -> None:
    assert problems(name, upstream_model=" ") == ["upstream_model is empty; name the model as the endpoint does"]


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_option_is_answered_with_the_known_ones(name: str) -> None:
    (problem,) = problems(name, options={"nmu_ctx": 4096})

    assert problem.startswith("option `nmu_ctx` is not one of")


@pytest.mark.parametrize("name", NAMES)
def test_every_option_has_its_types_and_its_help(name: str) -> None:
    provider: Any = load([name], frozenset())[name]

    assert set(provider.option_types) == set(provider.traits.options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ollama", {"num_ctx": "4096"}),
        ("ollama", {"num_ctx": True}),
        ("ollama", {"num_ctx": 0}),
        ("vllm", {"cache_salt": "no"}),
        ("vllm", {"guided": "new"}),
        ("tgi", {"lora": 3}),
        ("openai_compatible", {"strict_fields": 1}),
    ],
)
def test_an_option_of_the_wrong_kind_is_caught(name: str, options: dict[str, Any]) -> None:
    assert len(problems(name, options=options)) == 1


@pytest.mark.parametrize("model", ["gpt-oss:120b-cloud", "kimi:cloud", "library/big:cloud"])
def test_a_model_in_ollamas_cloud_is_refused(model: str) -> None:
    (problem,) = problems("ollama", upstream_model=model)

    assert "cloud" in problem


@pytest.mark.parametrize("model", ["llama3", "cloud-lover:7b", "hub.internal:5000/team/cloudy"])
def test_a_model_that_only_sounds_like_it_is_not(model: str) -> None:
    assert problems("ollama", upstream_model=model) == []
