"""`redoubt deployments`: which servers are behind a model."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import rich_click as click

from appliance.cli.frame import Noun, Pair, as_json, at_desk, checked
from appliance.cli.output import say, say_json, say_table

if TYPE_CHECKING:
    from appliance.desk import Desk
    from appliance.domain.ids import ModelName
    from appliance.domain.model import Deployment

PLAIN = ("provider", "url", "weight", "max_parallel", "credential", "ca_file", "media_urls", "enabled")


@click.group(cls=Noun, example="redoubt deployments list")
def deployments() -> None:
    """Deployments: one upstream model on one endpoint, named MODEL/LABEL."""


@deployments.command("list", example="redoubt deployments list --model llama-70b")
@click.option("--model", help="Of this model only.")
@as_json
def list_(*, model: str | None, as_json: bool) -> None:
    """List deployments."""
    from appliance.pipeline.manage.deployments import every

    found = [one for one in every(at_desk(lambda desk: desk.models.all())) if model in {None, one.model}]
    if as_json:
        say_json([_plain(one) for one in found])
        return
    say_table(
        ("DEPLOYMENT", "PROVIDER", "URL", "MODEL THERE", "WEIGHT", "ENABLED", "PRICE"),
        [
            (one.id, one.provider, one.url, one.upstream_model, f"{one.weight:g}", one.enabled, _price(one))
            for one in found
        ],
        "there is no deployment; make one with `redoubt deployments set MODEL/LABEL`",
    )


@deployments.command(example="redoubt deployments show llama-70b/node1")
@click.argument("deployment", metavar="MODEL/LABEL")
@as_json
def show(*, deployment: str, as_json: bool) -> None:
    """Show one deployment as it would stand in the configuration file."""
    from appliance.config.render import to_yaml
    from appliance.pipeline.manage.deployments import find

    name, label = _parts(deployment)
    plain = _plain(find(at_desk(lambda desk: desk.models.find(name)), label))
    if as_json:
        say_json(plain)
    else:
        say(to_yaml(plain).rstrip())


def _set_options(verb: Callable[..., None]) -> Callable[..., None]:
    options = [
        click.option("--provider", help="Kind of server; see `redoubt providers list`."),
        click.option("--url", help="Base address of the endpoint."),
        click.option("--upstream-model", help="The model's name there."),
        click.option("--weight", type=float, help="Share of requests beside the others."),
        click.option("--max-parallel", type=int, help="Most requests at the same time."),
        click.option(
            "--timeout", "timeouts", type=Pair(), multiple=True, help="connect, first_byte, between_chunks, total."
        ),
        click.option(
            "--price", "prices", type=Pair(), multiple=True, help="input, cached, output or gpu_second, in units."
        ),
        click.option("--no-price", is_flag=True, help="Declare no price: `default_price` holds."),
        click.option(
            "--option", "options", type=Pair(), multiple=True, help="Of this kind of server; `name=` removes."
        ),
        click.option("--credential", help="What it asks for, as file:PATH or env:NAME."),
        click.option(
            "--ca-file", type=click.Path(dir_okay=False, resolve_path=True), help="PEM of the site's authority."
        ),
        click.option("--media-urls/--no-media-urls", default=None, help="Let http(s) media addresses through to it."),
        click.option("--enabled/--disabled", default=None, help="Whether it is chosen at all."),
    ]
    for option in reversed(options):
        verb = option(verb)
    return verb


@deployments.command(
    "set",
    example=(
        "redoubt deployments set llama-70b/node1 --provider vllm --url http://10.20.0.11:8000 \\",
        "  --upstream-model meta-llama/Llama-3.3-70B-Instruct --price input=0.59 --price output=0.79",
        "redoubt deployments set llama-70b/node1 --disabled",
    ),
)
@click.argument("deployment", metavar="MODEL/LABEL")
@_set_options
@as_json
def set_(*, deployment: str, as_json: bool, **given: Any) -> None:
    """Make or change a deployment; a model that is not there is made with it.

    What is not named stays as it is. A running gateway follows within a second and drops no stream.
    """
    name, label = _parts(deployment)

    async def work(desk: "Desk") -> "Deployment":
        seen = await desk.models.look_at(name, label)
        changed = _changed(seen, name, label, given)
        await desk.models.save_deployment(changed, desk.actor, seen=seen)
        return changed

    saved = at_desk(work)
    if as_json:
        say_json(_plain(saved))
    else:
        say(f"deployment `{saved.id}` is saved")


@deployments.command(example="redoubt deployments delete llama-70b/node1")
@click.argument("deployment", metavar="MODEL/LABEL")
def delete(*, deployment: str) -> None:
    """Delete a deployment; the model stays, even without any."""
    name, label = _parts(deployment)
    at_desk(lambda desk: desk.models.delete_deployment(name, label, desk.actor))
    say(f"deployment `{deployment}` is deleted")


def _parts(deployment: str) -> "tuple[ModelName, str]":
    """As the use case reads it; another form is a wrong call."""
    from appliance.domain.errors import NotFound
    from appliance.pipeline.manage.deployments import parts

    try:
        return parts(deployment)
    except NotFound as error:
        raise click.BadParameter(f"{error.message}, not `{deployment}`") from error


def _changed(old: "Deployment | None", name: "ModelName", label: str, given: dict[str, Any]) -> "Deployment":
    """The deployment as it was, or as it is when nothing is said, with the options of this call laid over it."""
    from appliance.config.desired import deployment as as_deployment
    from appliance.config.entities import DeploymentEntry
    from appliance.config.render import deployment_entry

    entry: dict[str, object] = {"label": label} if old is None else deployment_entry(old)
    return as_deployment(name, checked(_merged(entry, given), DeploymentEntry, f"deployment `{name}/{label}`"))


def _merged(entry: dict[str, object], given: dict[str, Any]) -> dict[str, object]:
    """An entry as the file would have it, with the options of this call laid over it."""
    plain = {**entry, **{name: given[name] for name in PLAIN if given[name] is not None}}
    if given["upstream_model"] is not None:
        plain["model"] = given["upstream_model"]
    for name, pairs in (("timeouts", given["timeouts"]), ("price", given["prices"]), ("options", given["options"])):
        if pairs:
            known = plain.get(name)
            kept = {**(known if isinstance(known, dict) else {}), **dict(pairs)}
            plain[name] = {one: _typed(text) if name != "price" else text for one, text in kept.items() if text != ""}
    if not plain.get("price"):
        plain["price"] = None  # the last amount was taken away: an empty price would be free of charge
    if given["no_price"]:
        plain["price"] = None
    return plain


def _typed(text: object) -> object:
    """`true`, `false` and numbers as such, as the file would read them. What it could not read is a text."""
    from appliance.config.tree import parse
    from appliance.domain.errors import ConfigError

    if not isinstance(text, str) or not text.strip():
        return text
    try:
        value = parse(text, "").data
    except ConfigError:
        return text
    return value if isinstance(value, bool | int | float) else text


def _plain(one: "Deployment") -> dict[str, object]:
    from appliance.config.render import deployment_entry

    return {"deployment": one.id, **deployment_entry(one)}


def _price(one: "Deployment") -> str:
    from appliance.config.render import price_entry

    if one.price is None:
        return "default"
    return "free" if one.price.free else ", ".join(f"{name} {value}" for name, value in price_entry(one.price).items())
