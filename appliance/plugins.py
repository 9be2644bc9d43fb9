"""Adapters by name: the built-in ones, and those of third parties that the site allows.

A third party's adapter comes in a wheel of an overlay, which the site signed and its installer verified. It is imported
straight from that file: nothing is unpacked, so that what runs is, byte for byte, what was signed. decisions/0016.
"""

import sys
from collections.abc import Iterable

from appliance.config import place
from appliance.config.schema import Site
from appliance.domain.errors import ConfigError
from appliance.ports.provider import Provider
from offline.rules.overlay import Overlay, check_wheels, newest, plugins_of
from offline.rules.refusal import Refused
from providers import GROUP, strangers
from providers import load as load_providers


def load(names: Iterable[str], site: Site) -> dict[str, Provider]:
    """One instance of each named provider.

    Raises ConfigError for a name that is neither built in nor an allowed plugin, for a plugin that is no provider, and,
    when a plugin is asked for, for an overlay of which a wheel is not what the site signed.
    """
    wanted, allowed = frozenset(names), frozenset(site.plugins.allow)
    offered = _offered(allowed) if strangers(wanted) else frozenset()
    return load_providers(wanted, allowed, offered)


def _offered(allowed: frozenset[str]) -> frozenset[str]:
    """The names of all plugins in overlays. An overlay gets onto the import path when one of its own is allowed."""
    folder, offered = place.overlays(place.release()), frozenset[str]()
    if folder is None:
        return offered
    try:
        for overlay in newest(folder):
            check_wheels(overlay)
            names = plugins_of(overlay, GROUP)
            offered |= names
            if names & allowed:
                _append(overlay)
    except Refused as error:
        raise ConfigError(f"no plugin is loaded: {error.message}") from error
    return offered


def _append(overlay: Overlay) -> None:
    """Behind everything: what came with the release goes first, whatever an overlay calls its modules."""
    for wheel in map(str, overlay.wheels):
        if wheel not in sys.path:
            sys.path.append(wheel)
