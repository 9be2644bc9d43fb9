"""Whether a change of schema only expands: whatever an older program reads and writes still works after it.

Judged by what SQLite itself keeps of the schema before and after, not by what a migration says it does. Not seen:
rows that a migration rewrites, and what they mean; that remains for a reader to judge.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from appliance.store.schema import MARK

OWN = ("alembic_version", MARK)  # of the migrations themselves
READ = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
BINDING = re.compile(r"\b(UNIQUE|CHECK|REFERENCES|PRIMARY KEY|CONSTRAINT)\b", re.IGNORECASE)
HARMLESS = re.compile(r"\bON DELETE (CASCADE|SET NULL)\b", re.IGNORECASE)
REFERENCES = re.compile(r"\bREFERENCES\s+\W?(\w+)", re.IGNORECASE)
NOT_NULL = re.compile(r"\bNOT\s+NULL\b", re.IGNORECASE)
NAME = re.compile(r"^\s*[\"`\[][^\"`\]]*[\"`\]]")  # of a column, quoted: it may be a word of SQL
GIVEN = re.compile(r"\bDEFAULT\b(?!\s+NULL\b)", re.IGNORECASE)


class Piece(NamedTuple):
    """A table, index, trigger or view."""

    kind: str
    table: str
    sql: str


Shape = dict[str, Piece]
"""By name."""


def shape(connection: Connection) -> Shape:
    found = connection.exec_driver_sql(READ)
    return {name: Piece(kind, table, sql) for kind, name, table, sql in found if name not in OWN}


def narrowings(before: Shape, after: Shape) -> list[str]:
    """What an older program could stumble over, in words; empty for a change that only expands."""
    return [
        *(f"{piece.kind} `{name}` is gone" for name, piece in before.items() if name not in after),
        *(text for name, piece in after.items() for text in _piece(name, piece, before)),
    ]


def _piece(name: str, piece: Piece, before: Shape) -> Iterator[str]:
    old = before.get(name)
    if old is not None:
        if piece.kind == old.kind == "table":
            yield from _table(name, old.sql, piece.sql)
        elif _plain(piece.sql) != _plain(old.sql):
            yield f"{piece.kind} `{name}` is another one"
    elif piece.kind == "table":
        yield from _new_table(name, piece.sql, before)
    elif piece.table in before and piece.kind == "trigger":
        yield f"trigger `{name}` acts on what older programs write to `{piece.table}`"
    elif piece.table in before and re.match(r"\s*CREATE\s+UNIQUE", piece.sql, re.IGNORECASE):
        yield f"index `{name}` refuses what older programs may write to `{piece.table}`"


def _table(name: str, before: str, after: str) -> Iterator[str]:
    old_parts, old_tail = _parts(before)
    new_parts, new_tail = _parts(after)
    known, kept = {_plain(part) for part in old_parts}, {_plain(part) for part in new_parts}
    if _plain(old_tail) != _plain(new_tail):
        yield f"table `{name}` is kept in another way"
    for part in old_parts:
        if _plain(part) not in kept:
            yield f"table `{name}` has no longer `{_words(part)}`"
    for part in new_parts:
        if _plain(part) in known:
            continue
        if BINDING.search(part):
            yield f"table `{name}` refuses by `{_words(part)}` what older programs may write"
        elif NOT_NULL.search(part) and not GIVEN.search(NAME.sub("", part)):
            yield f"table `{name}` demands `{_words(part)}`, which older programs leave out"


def _new_table(name: str, sql: str, before: Shape) -> Iterator[str]:
    """Rows of a new table may keep an older program from removing what they point at."""
    for part in _parts(sql)[0]:
        pointed = REFERENCES.search(part)
        if pointed is not None and pointed[1] in before and not HARMLESS.search(_words(part)):
            yield f"table `{name}` holds on to rows of `{pointed[1]}`, which older programs remove"


def _parts(sql: str) -> tuple[Sequence[str], str]:
    """Columns and constraints of a `CREATE TABLE`, and what follows them."""
    start = sql.find("(") + 1
    if start == 0:  # a virtual table may have none
        return [], sql
    parts, depth, quote, begin = [], 0, "", start
    for at in range(start, len(sql)):
        sign = sql[at]
        if quote:
            quote = "" if sign == quote else quote
            continue
        if sign in "'\"`":
            quote = sign
        elif sign in "()":
            depth += 1 if sign == "(" else -1
        if depth < 0 or (sign == "," and depth == 0):
            parts.append(sql[begin:at])
            begin = at + 1
        if depth < 0:
            break
    return parts, sql[begin:]


def _plain(sql: str) -> str:
    """Without the freedoms that SQLite takes when it writes a statement anew."""
    return re.sub(r"[\s\"`\[\]]+", "", sql)


def _words(sql: str) -> str:
    return " ".join(sql.split())
