"""`redoubt spend` and `redoubt ledger`: what was used, by whom, and what it cost."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import rich_click as click

from appliance.cli.frame import Moment, Noun, Verb, as_json, at_desk
from appliance.cli.output import as_csv, say, say_json, say_table

if TYPE_CHECKING:
    from appliance.desk import Desk
    from appliance.ports.ledger import SpendLine

COLUMNS = ("key", "model", "day", "hour")
SUMS = ("requests", "failed", "prompt", "completion", "cached", "reasoning", "cost", "unpriced", "estimated")
NOTE = "unpriced by declaration: no price was declared for what was used, and the default price is 0"


@click.command(
    cls=Verb,
    example=(
        "redoubt spend --by key,day --since 7d",
        "redoubt spend --by model --since 2026-11-01 --csv > november.csv",
        "redoubt spend --total --json",
    ),
)
@click.option("--by", default="key,model", show_default=True, help="Any of key, model, day, hour; with commas.")
@click.option("--total", is_flag=True, help="One sum of everything, instead of `--by`.")
@click.option("--since", type=Moment(ahead=False), help="From then on: 7d, 2026-11-01, or a moment.")
@click.option("--until", type=Moment(ahead=False), help="Before then.")
@click.option("--key", help="Of this key only, by name or id.")
@as_json
@click.option("--csv", "as_csv_", is_flag=True, help="Print CSV.")
def spend(
    *,
    by: str,
    total: bool,
    since: datetime | None,
    until: datetime | None,
    key: str | None,
    as_json: bool,
    as_csv_: bool,
) -> None:
    """Sum what was used and what it cost, from the ledger's hours.

    Times are UTC and cut to whole hours. Costs are in units of the currency.
    """
    columns = () if total else _columns(by)
    if as_json and as_csv_:
        raise click.UsageError("give `--json` or `--csv`, not both")

    async def work(desk: "Desk") -> "tuple[list[SpendLine], dict[str, str]]":
        known = await desk.keys.all()
        only = None if key is None else (await desk.keys.find(key)).id
        lines = await desk.spend.spend(columns, since, until, only)
        return lines, {one.id: one.name for one in known}

    lines, names = at_desk(work)
    if as_json:
        say_json(
            {"by": columns, "since": since, "until": until, "lines": [_plain(line, columns, names) for line in lines]}
        )
    elif as_csv_:
        say(as_csv(_headers(columns), [list(_plain(line, columns, names).values()) for line in lines]).rstrip("\r\n"))
    else:
        _say_lines(lines, columns, names)


@click.group(cls=Noun, example="redoubt ledger list --limit 5")
def ledger() -> None:
    """The ledger: one row for every request."""


@ledger.command("list", example="redoubt ledger list --limit 5 --json")
@click.option("--limit", type=click.IntRange(1, 10000), default=20, show_default=True, help="Most rows.")
@click.option("--key", help="Of this key only, by name or id.")
@as_json
def list_(*, limit: int, key: str | None, as_json: bool) -> None:
    """List the latest requests, newest first."""
    from appliance.config.amounts import amount
    from appliance.domain.ledger import LedgerRow

    async def work(desk: "Desk") -> "list[LedgerRow]":
        only = None if key is None else (await desk.keys.find(key)).id
        return await desk.spend.rows(limit, only)

    rows = at_desk(work)
    if as_json:
        say_json(rows)
        return
    say_table(
        ("AT", "REQUEST", "KEY", "MODEL", "DEPLOYMENT", "STATUS", "IN", "OUT", "COST", "MS"),
        [
            (
                f"{row.at:%Y-%m-%d %H:%M:%S}",
                row.request_id,
                row.key_id,
                row.model,
                row.deployment,
                row.status.value if row.error is None else f"{row.status.value} ({row.error})",
                row.usage.prompt,
                row.usage.completion,
                "unpriced" if row.unpriced else amount(row.cost),
                row.total_ms,
            )
            for row in rows
        ],
        "the ledger holds no request yet",
    )


def _columns(by: str) -> tuple[str, ...]:
    """Raises a usage error for an unknown column."""
    from appliance.config.problems import nearest

    asked = tuple(dict.fromkeys(word.strip() for word in by.split(",") if word.strip()))
    for word in asked:
        if word not in COLUMNS:
            raise click.BadParameter(f"no column `{word}`{nearest(word, COLUMNS)}", param_hint="--by")
    return tuple(column for column in COLUMNS if column in asked)


def _headers(columns: Sequence[str]) -> list[str]:
    named = [name for column in columns for name in (("key", "key_id") if column == "key" else (column,))]
    return [*named, *(f"{name}_micros" if name == "cost" else name for name in SUMS), "cost"]


def _plain(line: "SpendLine", columns: Sequence[str], names: dict[str, str]) -> dict[str, object]:
    from appliance.config.amounts import amount

    plain: dict[str, object] = {}
    for column in columns:
        if column == "key":
            plain |= {"key": names.get(str(line.key_id), ""), "key_id": line.key_id}
        else:
            plain[column] = getattr(line, column)
    for name in SUMS:
        plain[f"{name}_micros" if name == "cost" else name] = getattr(line, name)
    return {**plain, "cost": amount(line.cost)}


def _say_lines(lines: "list[SpendLine]", columns: Sequence[str], names: dict[str, str]) -> None:
    from appliance.config.amounts import amount

    rows = [
        (
            *(names.get(str(line.key_id), line.key_id) if name == "key" else getattr(line, name) for name in columns),
            line.requests,
            line.failed,
            line.prompt,
            line.completion,
            amount(line.cost),
            _note(line),
        )
        for line in lines
    ]
    headers = (*(column.upper() for column in columns), "REQUESTS", "FAILED", "IN", "OUT", "COST", "NOTE")
    say_table(headers, rows, "nothing was used in that time")
    if lines:
        say(f"total: {sum(line.requests for line in lines)} requests, {amount(sum(line.cost for line in lines))}")
    if any(line.unpriced for line in lines):
        say(NOTE)


def _note(line: "SpendLine") -> str:
    notes = []
    if line.unpriced:
        notes.append(f"{line.unpriced} unpriced by declaration")
    if line.estimated:
        notes.append(f"{line.estimated} counted by the gateway")
    return ", ".join(notes)
