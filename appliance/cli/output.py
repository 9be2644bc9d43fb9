"""What verbs print: tables for people, JSON and CSV for programs."""

import csv
import io
from collections.abc import Sequence

import msgspec
import rich_click as click


def say(text: str = "") -> None:
    click.echo(text)


def say_json(value: object) -> None:
    """Two spaces of indent, a final newline."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def say_table(headers: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Columns aligned, numbers to the right; `empty` when there is no row."""
    if not rows:
        click.echo(empty)
        return
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(header), *(len(row[at]) for row in cells)) for at, header in enumerate(headers)]
    right = [all(isinstance(row[at], int) for row in rows) for at in range(len(headers))]
    for row in [list(headers), *cells]:
        aligned = [
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(row, widths, right, strict=True)
        ]
        click.echo("  ".join(aligned).rstrip())


def as_csv(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """RFC 4180, with a header. A cell a spreadsheet would run as a formula is made a text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(headers)
    writer.writerows([_harmless(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _harmless(value: object) -> object:
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t"}:
        return f"'{value}"
    return "" if value is None else value
