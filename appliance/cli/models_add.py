"""`redoubt models add`: take a model that finds names, carried in by the operator, after it was tried."""

import asyncio
import re
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import rich_click as click

from appliance.cli.bundle_frame import FILE, told
from appliance.cli.frame import Verb, as_json, site_file
from appliance.cli.output import say, say_json, say_table
from appliance.domain.errors import BadRequest, ConfigError, Conflict, GatewayError

if TYPE_CHECKING:
    from appliance.config.privacy import Privacy
    from appliance.desk import Desk
    from appliance.pipeline.acceptance.judge import Judged
    from appliance.store.added import AddedModels

MANY = "xx"  # spaCy's word for a model of many languages
_NAME = re.compile(r"[A-Za-z0-9_]+")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Meta(msgspec.Struct, frozen=True):
    """What of `meta.json` is told to whoever adds a model. Source: spaCy's data formats, `meta.json`."""

    lang: str
    version: str
    license: str = ""
    description: str = ""
    spacy_version: str = ""
    labels: dict[str, list[Any]] = msgspec.field(default_factory=dict)


class Order(msgspec.Struct, frozen=True):
    wheel: Path
    sha256: str
    worse: str | None  # why it is taken although it finds little


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; `sha256` is what the settings have to name."""

    name: str
    version: str
    folder: str
    sha256: str
    about: Meta
    finds: tuple[str, ...]
    lacks: tuple[str, ...]  # what no pattern finds either
    before: "Judged | None"
    after: "Judged"
    why_not_before: str = ""


@click.command(
    cls=Verb,
    example=(
        "redoubt models add en_core_web_sm-3.8.0-py3-none-any.whl --sha256 DIGEST",
        'redoubt models add own-1.0.0-py3-none-any.whl --sha256 DIGEST --accept-worse "finds the names of our wards"',
    ),
)
@click.argument("file", type=FILE)
@click.option(
    "--sha256", required=True, help="What the wheel hashes to, as its publisher says; not as the medium does."
)
@click.option("--accept-worse", "worse", metavar="REASON", help="Take it although it finds less than half; is kept.")
@as_json
def add(*, file: Path, sha256: str, worse: str | None, as_json: bool) -> None:
    """Add a model that finds names: a spaCy wheel, an official one or one of ours.

    Its data are unpacked into the data folder; nothing of it is installed or imported, and a wheel with code of its own
    is refused. Then a worker looks for the names in sentences of ours, with the model in use now and with this one. One
    that finds less than half changes nothing. It is used when `privacy.model` names it.
    """
    if not _DIGEST.fullmatch(sha256.lower()):
        raise BadRequest("`--sha256` takes 64 hex digits")
    if worse is not None and not worse.strip():
        raise BadRequest("`--accept-worse` takes the reason, which is kept in the events")
    done = asyncio.run(_added(Order(file, sha256.lower(), worse)))
    if as_json:
        say_json(done)
    else:
        _say(done)


async def _added(order: Order) -> Added:
    from appliance.desk import open_desk
    from appliance.store.added import AddedModels

    async with open_desk(site_file()) as desk:
        models = AddedModels(desk.site.data_folder)
        with models.stage() as stage:
            with told():
                name, version, digest = _unpacked(order, stage)
            there = models.place(name, version)
            if there.exists():
                raise Conflict(f"`{there}` is there already; to use it, name it in `privacy.model`")
            about, finds = _about(stage / "model", version)
            click.echo("looking for the names in our sentences, with the model in use and with this one …", err=True)
            before, why = await _before(desk.site.privacy, about)
            after = await _judged(stage / "model", digest, about)
            _demand(after, about, order.worse)
            folder = models.keep(stage / "model", name, version)
            done = Added(
                name=name, version=version, folder=str(folder), sha256=digest, about=about, finds=finds,
                lacks=_lacking(finds), before=before, after=after, why_not_before=why,
            )  # fmt: skip
            await _record(desk, models, done, order)
        return done


def _unpacked(order: Order, stage: Path) -> tuple[str, str, str]:
    """Name, version, and the sha256 of SHA256SUMS. Read from a copy: the medium may change while it is read."""
    from offline.rules.model import check_beside, unpack
    from offline.rules.wheel import read_wheel

    copy = stage / order.wheel.name
    shutil.copyfile(order.wheel, copy)
    wheel = read_wheel(copy)
    if wheel.sha256 != order.sha256:
        raise ConfigError(f"`{copy.name}` has sha256 {wheel.sha256}, not {order.sha256}; nothing was changed")
    if odd := [*wheel.native, *wheel.startup, *wheel.scripts]:
        raise ConfigError(f"`{copy.name}` holds `{odd[0]}`, which runs; a model is data")
    name = copy.name.split("-", 1)[0]
    if not _NAME.fullmatch(name):
        raise ConfigError(f"`{copy.name}` does not name a model, as `en_core_web_sm-3.8.0-py3-none-any.whl` would")
    check_beside(copy)
    digest = unpack(copy, stage / "model", 0o600)
    copy.unlink()
    return name, wheel.version, digest


def _about(model: Path, version: str) -> tuple[Meta, tuple[str, ...]]:
    """What it says of itself, and the entities it can find. Raises ConfigError when it is of no use here."""
    from appliance.redaction.labels import entities
    from appliance.redaction.languages import LANGUAGES

    try:
        about = msgspec.json.decode((model / "meta.json").read_bytes(), type=Meta)
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError("the model has no `meta.json` that can be read; nothing was changed") from error
    if about.version != version:
        raise ConfigError(f"the wheel says version {version}, its model {about.version}; nothing was changed")
    if about.lang not in {*LANGUAGES, MANY}:
        raise ConfigError(f"no policy can name the language `{about.lang}`; known: {', '.join(LANGUAGES)}")
    labels = [str(label) for part in ("ner", "entity_ruler") for label in about.labels.get(part, [])]
    finds = entities(labels)
    if not finds:
        raise ConfigError(f"the model finds no names: it has the labels {', '.join(labels) or 'of no finder at all'}")
    return about, finds


def _lacking(finds: Sequence[str]) -> tuple[str, ...]:
    from appliance.domain.privacy_entities import MODELLED

    return tuple(sorted(MODELLED - set(finds)))


def _spoken(about: Meta) -> tuple[str, ...]:
    from appliance.pipeline.acceptance.sentences import SPOKEN

    return SPOKEN if about.lang == MANY else (about.lang,)


async def _before(settings: "Privacy", about: Meta) -> "tuple[Judged | None, str]":
    """The model in use now, or why it could not be asked."""
    from appliance.pipeline.acceptance.judge import judge
    from appliance.pipeline.analysts import command

    try:
        return await judge(command(settings), _spoken(about)), ""
    except GatewayError as error:
        return None, error.message


async def _judged(model: Path, digest: str, about: Meta) -> "Judged":
    from appliance.config.privacy import ModelFolder, Privacy
    from appliance.pipeline.acceptance.judge import judge
    from appliance.pipeline.analysts import command

    return await judge(command(Privacy(model=ModelFolder(folder=str(model), sha256=digest))), _spoken(about))


def _demand(after: "Judged", about: Meta, worse: str | None) -> None:
    if after.acceptable or worse is not None:
        return
    total = after.total
    if not total.marked:
        raise ConfigError(
            f"there are no sentences of ours in `{about.lang}`, so nobody can say what the model finds; nothing was "
            "changed. Take it with `--accept-worse REASON`"
        )
    each = ", ".join(f"{entity} {one.found} of {one.marked}" for entity, one in after.entities.items())
    raise ConfigError(
        f"the model finds {total.found} of {total.marked} names in our sentences, less than half ({each}); nothing was "
        "changed. Take it all the same with `--accept-worse REASON`"
    )


async def _record(desk: "Desk", models: "AddedModels", done: Added, order: Order) -> None:
    """Write the event; without one the model is taken away again."""
    from appliance.domain.events import Event

    total = done.after.total
    event = Event(
        at=datetime.now(UTC),
        actor=desk.actor,
        action="privacy.model.add",
        subject=f"{done.name}-{done.version}",
        after={
            "wheel_sha256": order.sha256,
            "sums_sha256": done.sha256,
            "language": done.about.lang,
            "licence": done.about.license,
            "marked": total.marked,
            "found": total.found,
        },
        detail="" if done.after.acceptable else f"accepted although it finds less than half: {order.worse}",
    )
    try:
        await desk.store.add_event(event)
    except GatewayError:
        models.drop(done.name, done.version)
        raise


def _say(done: Added) -> None:
    about, before, after = done.about, done.before, done.after
    say(f"model `{done.name}` {done.version} lies in {done.folder}")
    licence, made_for = about.license or "not said", about.spacy_version or "not said"
    say(f"  language {about.lang}, licence {licence}, made for spaCy {made_for}")
    if about.description:
        say(f"  {about.description[:200]}")
    say(f"  finds {', '.join(done.finds)}")
    if done.lacks:
        lacks = ", ".join(done.lacks)
        say(f"  does not find {lacks}: policies that ask for it, as {_asking(done.lacks)} do, are refused")
        say(f"  with this model; set {lacks} to `allow` in those for its language")
    say("")
    rows = [_row(entity, before, after) for entity in after.entities]
    headers = ("NAMES IN OUR SENTENCES", "MARKED", "FOUND NOW", "MISSED NOW", "FOUND BY IT", "MISSED BY IT")
    say_table(headers, rows, f"there are no sentences of ours in `{about.lang}`")
    now = f"cannot be asked: {done.why_not_before}" if before is None else before.model or "none: patterns only"
    say(f"\nthe model in use now: {now}")
    say(f"found where no name is marked: {'-' if before is None else before.wrong} now, {after.wrong} by it")
    say("\nit is used when the configuration says so, and the gateway is started again:")
    say(f"  privacy:\n    model:\n      folder: {done.folder}\n      sha256: {done.sha256}")
    if about.lang not in {"en", MANY}:
        say(f"policies have to name its language and no other: `languages: [{about.lang}]`; one that asks for names in")
        say("another is refused, since no other model is in use then")


def _asking(lacks: Sequence[str]) -> str:
    """The presets that a model without these cannot serve."""
    from appliance.domain.privacy import Action
    from appliance.redaction.policy.presets import PRESETS

    return ", ".join(
        f"`{name}`"
        for name, policy in PRESETS.items()
        if any(entity in lacks and rule.action is not Action.ALLOW for entity, rule in policy.rules)
    )


def _row(entity: str, before: "Judged | None", after: "Judged") -> Sequence[object]:
    new = after.entities[entity]
    old = None if before is None else before.entities[entity]
    return (entity, new.marked, old and old.found, old and old.missed, new.found, new.missed)
