"""`redoubt models`: public names, and the strategy behind each."""

from typing import TYPE_CHECKING

import rich_click as click

from appliance.cli.frame import Noun, as_json, at_desk
from appliance.cli.models_add import add
from appliance.cli.models_train import train
from appliance.cli.output import say, say_json, say_table

if TYPE_CHECKING:
    from appliance.desk import Desk
    from appliance.domain.model import Model


@click.group(cls=Noun, example="redoubt models list")
def models() -> None:
    """Models as clients name them; what serves them is under `redoubt deployments`.

    `add` and `train` are about another kind: a model that finds names, for `redoubt pii`.
    """


models.add_command(add)
models.add_command(train)


@models.command("list", example="redoubt models list --json")
@as_json
def list_(*, as_json: bool) -> None:
    """List models."""
    from appliance.pipeline.manage.records import model_record

    found = at_desk(lambda desk: desk.models.all())
    if as_json:
        say_json([model_record(model) for model in found])
        return
    rows = [
        (
            model.name,
            model.strategy,
            model.attempts,
            ", ".join(_label(one.label, one.enabled) for one in model.deployments),
        )
        for model in found
    ]
    empty = "there is no model; make one with `redoubt deployments set MODEL/LABEL`"
    say_table(("MODEL", "STRATEGY", "ATTEMPTS", "DEPLOYMENTS"), rows, empty)


@models.command(example="redoubt models show llama-70b")
@click.argument("model")
@as_json
def show(*, model: str, as_json: bool) -> None:
    """Show one model as it would stand in the configuration file."""
    from appliance.config.render import to_yaml
    from appliance.pipeline.manage.records import model_record

    plain = model_record(at_desk(lambda desk: desk.models.find(model)))
    if as_json:
        say_json(plain)
    else:
        say(to_yaml(plain).rstrip())


@models.command("set", example="redoubt models set llama-70b --strategy least-busy --attempts 2")
@click.argument("model")
@click.option("--strategy", metavar="weighted|least-busy", help="How a deployment is chosen.")
@click.option("--attempts", type=int, help="Most deployments tried for one request.")
@click.option("--privacy", metavar="POLICY|none", help="Privacy policy of requests to it.")
@as_json
def set_(*, model: str, strategy: str | None, attempts: int | None, privacy: str | None, as_json: bool) -> None:
    """Change a model; what is not named stays as it is."""
    import msgspec

    from appliance.pipeline.manage.records import model_record

    async def work(desk: "Desk") -> "Model":
        seen = await desk.models.find(model)
        changed = msgspec.structs.replace(
            seen,
            strategy=seen.strategy if strategy is None else strategy,
            attempts=seen.attempts if attempts is None else attempts,
            privacy=seen.privacy if privacy is None else None if privacy == "none" else privacy,
        )
        await desk.models.save(changed, desk.actor, seen=seen)
        return changed

    saved = at_desk(work)
    if as_json:
        say_json(model_record(saved))
    else:
        say(f"model `{saved.name}`: {saved.strategy}, {saved.attempts} attempts")


@models.command(example="redoubt models delete llama-70b")
@click.argument("model")
def delete(*, model: str) -> None:
    """Delete a model with its deployments; its ledger rows stay."""

    async def work(desk: "Desk") -> None:
        await desk.models.delete((await desk.models.find(model)).name, desk.actor)

    at_desk(work)
    say(f"model `{model}` is deleted")


def _label(label: str, enabled: bool) -> str:  # noqa: FBT001 - two facts of one deployment
    return label if enabled else f"{label} (disabled)"
