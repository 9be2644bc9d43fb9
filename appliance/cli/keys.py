"""`redoubt keys`: virtual keys."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import rich_click as click

from appliance.cli.frame import Duration, Moment, Noun, OrNone, Pair, as_json, at_desk, checked
from appliance.cli.output import say, say_json, say_table

if TYPE_CHECKING:
    from appliance.config.desired import KeyTerms
    from appliance.desk import Desk
    from appliance.domain.identity import Key
    from appliance.pipeline.manage.keys import Made

LIMITS = ("rpm", "tpm", "parallel", "budget", "budget_tokens", "window")


def term_options(verb: Callable[..., None]) -> Callable[..., None]:
    """The options that say what a key may do."""
    number = OrNone()
    options = [
        click.option("--role", type=click.Choice(["member", "admin"]), help="What it may do."),
        click.option("--model", "models", multiple=True, help="Model it may use; again for more; '*': every model."),
        click.option("--rpm", type=number, help="Requests in any 60 seconds."),
        click.option("--tpm", type=number, help="Tokens in any 60 seconds."),
        click.option("--parallel", type=number, help="Requests at the same time."),
        click.option("--budget", metavar="AMOUNT|none", help="Money within the window, such as 25.00."),
        click.option("--budget-tokens", type=number, help="Tokens within the window."),
        click.option("--window", type=click.Choice(["total", "hour", "day", "month"]), help="When budgets begin anew."),
        click.option("--field", "fields", multiple=True, help="Guarded request field it may send; again for more."),
        click.option("--expires", metavar="MOMENT|never", help="When it ends: 30d, 2027-01-31, or never."),
        click.option("--metadata", type=Pair(), multiple=True, help="A note; again for more; `name=` removes one."),
        click.option("--privacy", metavar="POLICY|none", help="Privacy policy of its requests."),
        click.option("--workspace", help="Workspace it belongs to."),
        click.option("--team", help="Team it belongs to."),
    ]
    for option in reversed(options):
        verb = option(verb)
    return verb


@click.group(cls=Noun, example="redoubt keys create wiki-search --model qwen-8b --rpm 600")
def keys() -> None:
    """Virtual keys: who may use which models, how much, until when."""


@keys.command(
    example=(
        "redoubt keys create wiki-search --model qwen-8b --rpm 600 --budget 25 --window month",
        "redoubt keys create alice --role admin --expires 90d",
    )
)
@click.argument("name")
@term_options
@as_json
def create(*, name: str, as_json: bool, **given: Any) -> None:
    """Make a key and show its value, once."""
    terms = _terms({"name": name}, given)
    _say_made(at_desk(lambda desk: desk.keys.create(terms, desk.actor)), as_json=as_json)


@keys.command("set", example="redoubt keys set wiki-search --rpm 1200 --budget none")
@click.argument("key")
@click.option("--name", help="A new name.")
@term_options
@as_json
def set_(*, key: str, name: str | None, as_json: bool, **given: Any) -> None:
    """Change what a key may do; what is not named stays as it is."""
    from appliance.config.desired import terms_of
    from appliance.config.render import terms_entry

    async def work(desk: "Desk") -> "Key":
        found = await desk.keys.find(key)
        entry = terms_entry(terms_of(found))
        terms = _terms({**entry, **({"name": name} if name else {})}, given)
        return await desk.keys.update(found, terms, desk.actor)

    _say_changed(at_desk(work), "changed", as_json=as_json)


@keys.command("list", example="redoubt keys list --all")
@click.option("--all", "everything", is_flag=True, help="Revoked, replaced and expired ones too.")
@as_json
def list_(*, everything: bool, as_json: bool) -> None:
    """List keys; their values are not known to anybody."""
    found = [
        key
        for key in at_desk(lambda desk: desk.keys.all())
        if everything or _state(key) in {"active", "blocked", "ending"}
    ]
    if as_json:
        say_json([_plain(key) for key in found])
        return
    say_table(
        ("NAME", "ID", "KEY", "ROLE", "STATE", "MODELS", "LIMITS", "EXPIRES"),
        [
            (key.name, key.id, key.hint, key.role.value, _state(key), ", ".join(key.models), _limits(key), _day(key))
            for key in found
        ],
        "there is no key; make one with `redoubt keys create NAME`",
    )


@keys.command(example="redoubt keys show wiki-search")
@click.argument("key")
@as_json
def show(*, key: str, as_json: bool) -> None:
    """Show one key by name or id."""
    from appliance.config.render import to_yaml

    plain = _plain(at_desk(lambda desk: desk.keys.find(key)))
    if as_json:
        say_json(plain)
    else:
        say(to_yaml(plain).rstrip())


@keys.command(example="redoubt keys rotate wiki-search --overlap 24h")
@click.argument("key")
@click.option(
    "--overlap", type=Duration(), default="24h", show_default=True, help="How long the old value still works."
)
@as_json
def rotate(*, key: str, overlap: timedelta, as_json: bool) -> None:
    """Give a key a new value, shown once; name and limits stay, the old value works for the overlap."""

    async def work(desk: "Desk") -> "Made":
        return await desk.keys.rotate((await desk.keys.find(key)).id, overlap, desk.actor)

    _say_made(at_desk(work), as_json=as_json)


@keys.command(example="redoubt keys revoke wiki-search")
@click.argument("key")
@as_json
def revoke(*, key: str, as_json: bool) -> None:
    """End a key for good; a running gateway refuses it within a second."""

    async def work(desk: "Desk") -> "Key":
        return await desk.keys.revoke((await desk.keys.find(key)).id, desk.actor)

    _say_changed(at_desk(work), "revoked", as_json=as_json)


@keys.command(example="redoubt keys block wiki-search")
@click.argument("key")
@as_json
def block(*, key: str, as_json: bool) -> None:
    """Refuse a key until it is unblocked."""

    async def work(desk: "Desk") -> "Key":
        return await desk.keys.block((await desk.keys.find(key)).id, desk.actor)

    _say_changed(at_desk(work), "blocked", as_json=as_json)


@keys.command(example="redoubt keys unblock wiki-search")
@click.argument("key")
@as_json
def unblock(*, key: str, as_json: bool) -> None:
    """Let a blocked key in again."""

    async def work(desk: "Desk") -> "Key":
        return await desk.keys.unblock((await desk.keys.find(key)).id, desk.actor)

    _say_changed(at_desk(work), "unblocked", as_json=as_json)


@keys.command("rotate-pepper", example="redoubt keys rotate-pepper")
@as_json
def rotate_pepper(*, as_json: bool) -> None:
    """Hash keys with a new pepper: new ones at once, the others when they are next used."""
    version = at_desk(lambda desk: desk.keys.rotate_pepper(desk.actor))
    if as_json:
        say_json({"pepper": version})
    else:
        say(f"pepper {version} is in use; the old one goes when the last key hashed with it was used or revoked")


@keys.command(example="sudo redoubt keys recover")
@as_json
def recover(*, as_json: bool) -> None:
    """Make an admin key when the last one is lost. Only root of the host may; it is written into the events."""
    from appliance.desk import runs_as_root
    from appliance.domain.errors import NotPermitted

    if not runs_as_root():
        raise NotPermitted("only root of this host may recover an admin key; run it with sudo")
    _say_made(at_desk(lambda desk: desk.keys.recover(desk.actor)), as_json=as_json)


def _terms(entry: dict[str, object], given: dict[str, Any]) -> "KeyTerms":
    """Terms from an entry as the file would have it, with the options of this call laid over it."""
    from appliance.config.desired import terms
    from appliance.config.entities import KeyEntry

    limits = entry.get("limits")
    changed = {one: given[one] for one in LIMITS if given[one] is not None}
    merged = {**(limits if isinstance(limits, dict) else {}), **changed}
    plain = {**entry, "limits": {one: value for one, value in merged.items() if value != "none"}}
    for name in ("role", "workspace", "team"):
        if given[name]:
            plain[name] = given[name]
    for name in ("models", "fields"):
        if given[name]:
            plain[name] = list(given[name])
    if given["privacy"]:
        plain["privacy"] = None if given["privacy"] == "none" else given["privacy"]
    if given["expires"]:
        plain["expires_at"] = _expiry(given["expires"])
    if given["metadata"]:
        known = entry.get("metadata")
        notes = {**(known if isinstance(known, dict) else {}), **dict(given["metadata"])}
        plain["metadata"] = {one: text for one, text in notes.items() if text}
    return terms(checked(plain, KeyEntry, "key"))


def _expiry(text: str) -> str | None:
    if text == "never":
        return None
    moment: datetime = Moment(ahead=True).convert(text, None, None)
    return moment.isoformat()


def _say_made(made: "Made", *, as_json: bool) -> None:
    if as_json:
        say_json({**_plain(made.key), "key": made.secret.reveal()})
        return
    say(f"key `{made.key.name}` ({made.key.id}); its value is shown now and never again:")
    say(f"  {made.secret.reveal()}")


def _say_changed(key: "Key", what: str, *, as_json: bool) -> None:
    if as_json:
        say_json(_plain(key))
    else:
        say(f"key `{key.name}` ({key.id}) is {what}")


def _plain(key: "Key") -> dict[str, object]:
    from appliance.pipeline.manage.records import key_record

    return {"id": str(key.id), **key_record(key), "state": _state(key), "pepper": key.pepper_version}


def _state(key: "Key") -> str:
    from datetime import UTC

    over = key.expires_at is not None and key.expires_at <= datetime.now(UTC)
    if key.revoked_at is not None:
        return "revoked"
    if key.successor is not None:
        return "replaced" if over else "ending"
    if over:
        return "expired"
    return "blocked" if key.blocked else "active"


def _limits(key: "Key") -> str:
    from appliance.config.render import limits_entry

    return ", ".join(f"{name} {value}" for name, value in limits_entry(key.limits).items())


def _day(key: "Key") -> str:
    return f"{key.expires_at:%Y-%m-%d %H:%M}" if key.expires_at else ""
