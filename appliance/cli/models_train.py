"""`redoubt models train`: make the NER model anew from the checkout. Only those who release models need it."""

from importlib.util import find_spec
from pathlib import Path

import rich_click as click

from appliance.cli.bundle_frame import FILE, FOLDER, NEW, told
from appliance.cli.frame import Verb, as_json
from appliance.cli.output import say, say_json
from appliance.domain.errors import ConfigError

NEEDED = ("spacy", "faker")  # no environment of a site has Faker


@click.command(
    cls=Verb,
    example=(
        "redoubt models train --out model",
        "redoubt models train --out model --against offline/models/dist/redoubt_pii_ner_en/1.0.0/model.json",
        "redoubt models train --language de --out model",
        "redoubt models train --tiny --out model",
    ),
)
@click.option("--out", type=NEW, required=True, help="The folder to train and pack in.")
@click.option("--language", type=click.Choice(["en", "de"]), default="en", help="Of the model. Usual: en.")
@click.option("--source", type=FOLDER, default=".", help="The checkout. Usual: here.")
@click.option("--against", type=FILE, help="A `model.json`: refuse scores more than .01 below its.")
@click.option("--without-share-alike", is_flag=True, help="Learn from no share-alike text; no floor is asked of it.")
@click.option("--tiny", is_flag=True, help="The small model for unit tests, from synthetic text alone.")
@as_json
def train(*, as_json: bool, **given: Path | bool | str | None) -> None:
    """Train the model that finds names, judge it, and pack it as a wheel when it is good enough.

    The data lie in the checkout; nothing is fetched. Scores are meant to come out within .01 of those published, which
    `--against` checks; bytes do not. It takes about ten minutes of one core, and needs spaCy and Faker.
    """
    if missing := [one for one in NEEDED if find_spec(one) is None]:
        raise ConfigError(
            f"training needs {' and '.join(missing)}, which this environment lacks; see offline/models/README.md"
        )
    if given["tiny"] and given["language"] != "en":
        raise ConfigError("the small model for unit tests is English; leave `--tiny` or `--language` out")
    from offline.models.release import Order, release

    home = Path(str(given["source"])) / "offline/models" / f"pii_ner_{given['language']}"
    order = Order(
        home=home,
        config=home / ("tiny.cfg" if given["tiny"] else "config.cfg"),
        out=Path(str(given["out"])),
        share_alike=not given["without_share_alike"],
        published=Path(str(given["against"])) if given["against"] else None,
    )
    with told():
        made = release(order, lambda line: click.echo(line, err=True))
    if as_json:
        say_json({"wheel": str(made.wheel), "sha256": made.sha256, "scores": made.scores})
        return
    say(f"{made.wheel}: sha256 {made.sha256}")
