"""Providers by name: built in, by entry point, or not at all."""

from importlib.metadata import EntryPoint

import pytest

import providers
from appliance.domain.errors import ConfigError
from appliance.ports.provider import Provider, Traits
from providers.vllm import VLLM


class Plugin(VLLM):
    traits = Traits(name="third", title="Third")


class Misnamed(VLLM):
    traits = Traits(name="other", title="Other")


def install(monkeypatch: pytest.MonkeyPatch, *points: tuple[str, str]) -> None:
    found = [EntryPoint(name=name, value=value, group=providers.GROUP) for name, value in points]
    monkeypatch.setattr(providers, "entry_points", lambda *, group: [point for point in found if point.group == group])


def test_built_in_providers_are_loaded_by_name() -> None:
    found: dict[str, Provider] = providers.load(["vllm", "ollama", "tgi", "openai_compatible", "vllm"], frozenset())

    assert {name: provider.traits.name for name, provider in found.items()} == {name: name for name in found}
    assert len(found) == 4


def test_a_misspelt_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="no provider `vlm`; did you mean `vllm`\\?"):
        providers.load(["vlm"], frozenset())


def test_a_name_like_no_other_is_answered_with_all_of_them() -> None:
    with pytest.raises(ConfigError, match="no provider `bedrock`; known: `vllm`, `ollama`, `tgi`, `openai_compatible`"):
        providers.load(["bedrock"], frozenset())


def test_an_installed_plugin_is_not_imported_until_the_site_lists_it(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("third", "a.module.that.would.fail:Provider"))

    with pytest.raises(ConfigError, match="`third` is installed but not allowed"):
        providers.load(["third"], frozenset())


def test_a_listed_plugin_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("third", f"{__name__}:Plugin"))
    monkeypatch.setattr(EntryPoint, "load", lambda _: Plugin)

    assert providers.load(["third"], frozenset({"third"}))["third"].traits.title == "Third"


def test_a_plugin_cannot_take_a_built_in_name(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("vllm", "a.module.that.would.fail:Provider"))

    assert isinstance(providers.load(["vllm"], frozenset({"vllm"}))["vllm"], VLLM)


def test_a_plugin_that_calls_itself_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("third", "somewhere:Misnamed"))
    monkeypatch.setattr(EntryPoint, "load", lambda _: Misnamed)

    with pytest.raises(ConfigError, match="calls itself `other`"):
        providers.load(["third"], frozenset({"third"}))


def test_a_plugin_that_cannot_be_imported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("third", "no_such_module_anywhere:Provider"))

    with pytest.raises(ConfigError, match="`third` could not be loaded from `no_such_module_anywhere:Provider`"):
        providers.load(["third"], frozenset({"third"}))


def test_two_distributions_with_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("third", "one:Provider"), ("third", "two:Provider"))

    with pytest.raises(ConfigError, match="installed twice"):
        providers.load(["third"], frozenset({"third"}))


def test_quickstart_learns_where_to_look() -> None:
    ports = [(traits.name, traits.default_port) for traits in providers.builtin()]

    assert ports == [("vllm", 8000), ("ollama", 11434), ("tgi", 8080), ("openai_compatible", 8081)]
