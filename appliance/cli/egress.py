"""`redoubt egress`: where this process may connect, and where this configuration would."""

from typing import TYPE_CHECKING

import rich_click as click

from appliance.cli.frame import Noun, as_json, at_desk
from appliance.cli.output import say, say_json, say_table

if TYPE_CHECKING:
    from appliance.desk import Desk
    from appliance.domain.model import Deployment

LAYERS = (
    (
        "dial",
        True,
        "each connection to an endpoint is looked up once, checked, and made to the address that was checked",
    ),
    ("loop", True, "the event loop of `redoubt serve` refuses connections, look-ups, datagrams and subprocesses"),
    ("audit", True, "an audit hook in `redoubt serve` refuses the same of plain sockets, in any thread"),
    (
        "host",
        False,
        "native code that calls connect(2) by itself: left to rules of the host, and this release sets none",
    ),
)


@click.group(cls=Noun, example="redoubt egress manifest")
def egress() -> None:
    """Outgoing connections: deny by default, allowed by `egress.allow`."""


@egress.command(example="redoubt egress manifest --json")
@as_json
def manifest(*, as_json: bool) -> None:
    """Print where this configuration can connect, why, and which layers hold it there. Nothing is dialled."""

    async def work(desk: "Desk") -> dict[str, object]:
        found = await desk.models.all()
        return {
            "allow": list(desk.site.egress.allow),
            "endpoints": [_endpoint(desk, one) for model in found for one in model.deployments],
            "store": {"kind": "SQLite file", "path": str(desk.site.data_folder / "store.db"), "connects": False},
            "ledger": {"kind": "SQLite file", "path": str(desk.site.data_folder / "ledger.db"), "connects": False},
            "counters": {"kind": "memory of the process", "connects": False},
            "identity_providers": [],
            "layers": [{"layer": name, "built_in": ours, "what": what} for name, ours, what in LAYERS],
        }

    told = at_desk(work)
    if as_json:
        say_json(told)
        return
    _say(told)


def _endpoint(desk: "Desk", one: "Deployment") -> dict[str, object]:
    from appliance.desk import egress_refusal
    from appliance.egress.url import origin

    to = origin(one.url)
    why = egress_refusal(desk.site, one.url)
    return {
        "deployment": one.id,
        "host": to.host,
        "port": to.port,
        "tls": to.scheme == "https",
        "enabled": one.enabled,
        "allowed": why is None,
        "why": why or "",
    }


def _say(told: dict[str, object]) -> None:
    allow, endpoints = told["allow"], told["endpoints"]
    say("may be dialled or looked up (`egress.allow`):")
    for entry in allow if isinstance(allow, list) else []:
        say(f"  {entry}")
    say("\nendpoints:")
    rows = [list(one.values()) for one in (endpoints if isinstance(endpoints, list) else [])]
    say_table(("DEPLOYMENT", "HOST", "PORT", "TLS", "ENABLED", "ALLOWED", "WHY NOT"), rows, "none")
    say("\nstore and ledger are files, counters are memory, there is no identity provider: none of them connects")
    say("\nlayers:")
    for name, ours, what in LAYERS:
        say(f"  {name:5}  {'built in' if ours else 'not ours'}  {what}")
