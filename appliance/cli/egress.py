"""`redoubt egress`: where this configuration can connect, and what holds it there."""

from typing import TYPE_CHECKING

import rich_click as click

from appliance.cli.frame import Noun, as_json, at_desk
from appliance.cli.output import say, say_json, say_table

if TYPE_CHECKING:
    from appliance.egress.manifest import Destination, Manifest


@click.group(cls=Noun, example="redoubt egress manifest")
def egress() -> None:
    """Outgoing connections: deny by default, allowed by `egress.allow`."""


@egress.command(example="redoubt egress manifest --json")
@as_json
def manifest(*, as_json: bool) -> None:
    """Print where this configuration can connect, why, and which layers hold it there now. Nothing is dialled.

    It is read from the configuration as it stands; a gateway that runs has `egress.allow` as it was when it started.
    """
    from appliance.desk import egress_manifest

    told = at_desk(egress_manifest)
    if as_json:
        say_json(told)
    else:
        _say(told)


def _say(told: "Manifest") -> None:
    say("may be dialled or looked up (`egress.allow`):")
    for entry in told.allow:
        say(f"  {entry}")
    say("\ndestinations:")
    headers = ("WHAT", "HOST", "PORT", "TLS", "ENABLED", "ALLOWED", "WHY")
    say_table(headers, [_row(one) for one in told.destinations], "none")
    say("\nconnects nowhere:")
    for local in told.local:
        say(f"  {local.what}: {local.where}")
    say("\nlayers:")
    for layer in told.layers:
        say(f"  {layer.name}: {'active' if layer.active else 'not active'} ({layer.known})")
        say(f"    {layer.covers}")


def _row(one: "Destination") -> list[object]:
    return [one.what, one.host, one.port, one.tls, one.enabled, one.allowed, one.why]
