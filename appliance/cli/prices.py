"""`redoubt prices`: what a deployment costs that declares no price of its own."""

from typing import TYPE_CHECKING

import rich_click as click

from appliance.cli.frame import Noun, Pair, as_json, at_desk, checked
from appliance.cli.output import say, say_json

if TYPE_CHECKING:
    from appliance.domain.money import Price


@click.group(cls=Noun, example="redoubt prices show")
def prices() -> None:
    """The default price; a deployment's own price is set with `redoubt deployments set`."""


@prices.command(example="redoubt prices show")
@as_json
def show(*, as_json: bool) -> None:
    """Show the default price."""
    from appliance.pipeline.manage.records import price_record

    price = at_desk(lambda desk: desk.models.default_price())
    if as_json:
        say_json(price_record(price))
    else:
        say(_told(price))


@prices.command("set", example=("redoubt prices set input=0.10 output=0.30", "redoubt prices set --free"))
@click.argument("amounts", type=Pair(), nargs=-1, metavar="[NAME=AMOUNT]...")
@click.option("--free", is_flag=True, help="Nothing, said aloud: reports say `unpriced by declaration`.")
@click.option("--refuse", is_flag=True, help="None: deployments without a price of their own are refused.")
def set_(*, amounts: tuple[tuple[str, str], ...], free: bool, refuse: bool) -> None:
    """Set the default price: input, cached, output per 1,000,000 tokens, gpu_second; in units of the currency."""
    from appliance.config.entities import PriceEntry
    from appliance.domain.money import Price

    if (bool(amounts) + free + refuse) != 1:
        raise click.UsageError("give amounts, or `--free`, or `--refuse`")
    price: Price | None = None
    if free:
        price = Price()
    elif amounts:
        price = checked(dict(amounts), PriceEntry, "price").price()
    at_desk(lambda desk: desk.models.save_default_price(price, desk.actor))
    say(_told(price))


def _told(price: "Price | None") -> str:
    from appliance.config.render import price_entry

    if price is None:
        return "there is no default price: deployments without a price of their own are refused"
    if price.free:
        return "the default price is 0: what uses it is reported as unpriced by declaration"
    return "the default price is " + ", ".join(f"{name} {value}" for name, value in price_entry(price).items())
