"""`redoubt pii`: privacy policies, a try-it that stores nothing, and how fast this machine is at it."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from appliance.cli.frame import Noun, as_json, refuse, site_file
from appliance.cli.output import say, say_json, say_table

if TYPE_CHECKING:
    from appliance.config.schema import Site
    from appliance.pipeline.tryout import Tried

BENCH = (
    "Please move the meeting with Grace Hopper to Thursday and tell her at grace.hopper@mail.corp or +44 20 7946 0018. "
    "The invoice goes to DE89 3704 0044 0532 0130 00; the order of last week has not arrived at 12 Elm Street yet. "
)


@click.group(cls=Noun, example='redoubt pii test --policy standard --text "Write to grace@example.org"')
def pii() -> None:
    """Personal data and secrets in requests and answers: policies, and what they do to a text."""


@pii.command(example=("redoubt pii policies", "redoubt pii policies --entities"))
@click.option("--entities", is_flag=True, help="What can be found instead.")
@as_json
def policies(*, entities: bool, as_json: bool) -> None:
    """List the policies of this site: presets and its own."""
    from appliance.domain.privacy_entities import ENTITIES, MODELLED

    if entities:
        told = [{"entity": name, "found_by": "model" if name in MODELLED else "patterns"} for name in ENTITIES]
        if as_json:
            say_json(told)
        else:
            say_table(("ENTITY", "FOUND BY"), [(one["entity"], one["found_by"]) for one in told], "nothing is found")
        return
    site, known = _known()
    plain = [
        {"name": name, "id": known.named(name).id, "entities": len(known.named(name).rules),
         "fail": known.named(name).fail.value, "model": known.named(name).model,
         "site": name == site.privacy.policy}
        for name in known.names()
    ]  # fmt: skip
    if as_json:
        say_json(plain)
        return
    rows = [(one["name"], one["id"], one["entities"], one["fail"], one["model"], one["site"]) for one in plain]
    say_table(("POLICY", "ID", "ENTITIES", "FAIL", "MODEL", "EVERY REQUEST"), rows, "there is no policy")


@pii.command(example="redoubt pii show standard")
@click.argument("name")
@as_json
def show(*, name: str, as_json: bool) -> None:
    """Show one policy whole: its preset with the site's changes."""
    import msgspec

    from appliance.config.render import to_yaml

    policy = _policy(name)
    plain: dict[str, Any] = {"id": policy.id, **msgspec.to_builtins(policy)}
    plain["rules"] = [{"entity": entity, **msgspec.to_builtins(rule)} for entity, rule in policy.rules]
    if as_json:
        say_json(plain)
    else:
        say(to_yaml(plain).rstrip())


@pii.command(
    example=(
        'redoubt pii test --policy strict --text "I am Grace Hopper"',
        "redoubt pii test --file letter.txt --json",
        "redoubt pii test < letter.txt",
    )
)
@click.option("--policy", metavar="NAME", help="A policy of this site; without it, the one for every request.")
@click.option("--text", help="The text. It stays in the shell's history; a file or standard input does not.")
@click.option("--file", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file with it.")
@as_json
def test(*, policy: str | None, text: str | None, file: Path | None, as_json: bool) -> None:
    """Try a policy on a text: what is found, what becomes of it, what a model would be sent. Nothing is stored.

    Pseudonyms and hashes are made with a key of this call, not the site's. Exit 1 when the policy refuses the text.
    """
    if text is None:
        text = file.read_text(encoding="utf-8") if file is not None else sys.stdin.read()
    tried = asyncio.run(_tried(policy, text))
    if as_json:
        say_json(tried)
    else:
        rows = [(one.start, one.end, one.entity, one.score, one.action, one.text) for one in tried.found]
        say_table(("FROM", "TO", "ENTITY", "SCORE", "ACTION", "TEXT"), rows, "nothing was found")
        say(f"\npolicy {tried.policy}, model {tried.model or 'none: patterns only'}")
        say(tried.refused or f"sent would be:\n{tried.sent}")
    if tried.refused:
        refuse()


@pii.command(example="redoubt pii bench --policy standard --kilobytes 8")
@click.option("--policy", metavar="NAME", help="A policy of this site; without it, the one for every request.")
@click.option("--kilobytes", type=click.IntRange(1, 1024), default=4, show_default=True, help="Length of a text.")
@as_json
def bench(*, policy: str | None, kilobytes: int, as_json: bool) -> None:
    """Measure the analysis on this machine: texts never seen, and the same ones again."""
    from appliance.pipeline.tryout import measure

    site, known = _known()
    told = asyncio.run(measure(site.privacy, _policy(policy or site.privacy.policy, known), BENCH, kilobytes))
    if as_json:
        say_json(told)
        return
    say(f"policy {told.policy}, model {told.model or 'none: patterns only'}, {told.texts} texts of {kilobytes} KB")
    say(f"a worker was ready after {told.start_seconds:.1f} s")
    say(f"new:   {told.new_ms:8.2f} ms a text, {told.new_ms / kilobytes:.2f} ms a KB (median, of one worker)")
    say(f"known: {told.known_ms:8.2f} ms a text")


def _known() -> tuple["Site", Any]:
    from appliance.config.load import load
    from appliance.redaction.policy.resolve import Policies

    site = load(site_file())
    return site, Policies(site.privacy.terms, site.privacy.policy)


def _policy(name: str, known: Any = None) -> Any:
    from appliance.config.problems import nearest
    from appliance.domain.errors import NotFound

    known = known or _known()[1]
    if name not in known.names():
        raise NotFound(f"no privacy policy is named `{name}`{nearest(name, known.names())}")
    return known.named(name)


async def _tried(name: str | None, text: str) -> "Tried":
    from appliance.pipeline.tryout import tried

    site, known = _known()
    return await tried(site.privacy, _policy(name or site.privacy.policy, known), text)
