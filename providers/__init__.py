"""Adapters to inference servers, loaded by name: the built-in table first, then entry points a site has allowed."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Final

from appliance.domain.errors import ConfigError
from appliance.ports.provider import Provider, Traits
from providers.ollama import Ollama
from providers.openai_compatible import OpenAICompatible
from providers.tgi import TGI
from providers.vllm import VLLM

GROUP: Final = "redoubt.providers"
"""Entry points of third-party adapters: each names a callable without arguments that gives a `Provider`."""

_BUILT_IN: Final[MappingProxyType[str, Callable[[], Provider]]] = MappingProxyType(
    {
        "vllm": VLLM,
        "ollama": Ollama,
        "tgi": TGI,
        "openai_compatible": OpenAICompatible,
    }
)


def builtin() -> tuple[Traits, ...]:
    """Traits of the built-in providers, in the order quickstart looks for their servers."""
    return tuple(make().traits for make in _BUILT_IN.values())


def strangers(names: Iterable[str]) -> frozenset[str]:
    """Those that are not built in."""
    return frozenset(names) - _BUILT_IN.keys()


def load(
    names: Iterable[str], allowed_plugins: frozenset[str], offered: frozenset[str] = frozenset()
) -> dict[str, Provider]:
    """One instance of each named provider.

    A plugin is imported only when `allowed_plugins` lists it: being installed is not enough to see every prompt.
    `offered`: plugins that lie at hand and may be off the import path, because the site allows none of them.
    Raises ConfigError for a name that is neither built in nor an allowed plugin, or a plugin that is no provider.
    """
    return {
        name: _BUILT_IN[name]() if name in _BUILT_IN else _plugin(name, allowed_plugins, offered) for name in set(names)
    }


def _plugin(name: str, allowed: frozenset[str], offered: frozenset[str]) -> Provider:
    points = [point for point in entry_points(group=GROUP) if point.name == name]
    if (points or name in offered) and name not in allowed:
        raise ConfigError(f"provider `{name}` is installed but not allowed; list it among the site's plugins")
    if not points and name in allowed:
        raise ConfigError(
            f"provider `{name}` is allowed and is not here; add its overlay again, or take it out of `plugins.allow`"
        )
    if not points:
        near = get_close_matches(name, [*_BUILT_IN, *allowed], n=1)
        hint = f"did you mean `{near[0]}`?" if near else "known: " + ", ".join(f"`{known}`" for known in _BUILT_IN)
        raise ConfigError(f"no provider `{name}`; {hint}")
    if len(points) > 1:
        raise ConfigError(f"provider `{name}` is installed twice; remove one of the distributions")
    return _made(name, points[0])


def _made(name: str, point: EntryPoint) -> Provider:
    try:
        provider: Provider = point.load()()
        found = provider.traits.name
    except (ImportError, AttributeError, TypeError, SyntaxError) as e:
        raise ConfigError(f"provider `{name}` could not be loaded from `{point.value}`: {e}") from e
    if found != name:
        raise ConfigError(f"provider `{name}` from `{point.value}` calls itself `{found}`; the two must be equal")
    return provider
