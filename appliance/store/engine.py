"""Connections to one SQLite file: pragmas, transactions, and nothing else.

Every connection is in WAL mode, waits for a lock at most `BUSY` seconds and keeps foreign keys. Transactions are begun
by us (the driver's own habit of beginning late breaks both snapshots and BEGIN IMMEDIATE).
"""

import sqlite3
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

BUSY = 5.0  # seconds
JOURNAL_KEPT = 64 * 1024 * 1024  # bytes: a WAL that grew under a long read is cut back to this

Durability = Literal["FULL", "NORMAL"]
"""FULL: a commit survives a power cut. NORMAL: it survives the death of the process."""


class Cursor(Protocol):
    def execute(self, statement: str, /) -> object: ...


def set_pragmas(cursor: Cursor, durability: Durability, *, query_only: bool = False) -> None:
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute(f"PRAGMA synchronous = {durability}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA journal_size_limit = {JOURNAL_KEPT}")
    if query_only:
        cursor.execute("PRAGMA query_only = ON")


def file_uri(path: Path, mode: str = "rw") -> str:
    """The file must exist: a database that somebody removed is an error, never a new empty one."""
    return f"file:{quote(str(path.absolute()))}?mode={mode}"


def connect(path: Path, durability: Durability) -> sqlite3.Connection:
    """A plain connection for the ledger's writer, with the same manners. Raises sqlite3.Error."""
    connection = sqlite3.connect(file_uri(path), uri=True, timeout=BUSY, isolation_level=None)
    try:
        set_pragmas(connection.cursor(), durability)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def async_engine(path: Path, durability: Durability, *, connections: int, query_only: bool = False) -> AsyncEngine:
    """An engine with a hard cap on connections; each is a thread of its own.

    Transactions are deferred; `engine.execution_options(begin="IMMEDIATE")` gives the writing twin on the same pool.
    """
    engine = create_async_engine(
        _url("sqlite+aiosqlite", path),
        connect_args={"timeout": BUSY},
        pool_size=connections,
        max_overflow=0,
        pool_timeout=BUSY,
        hide_parameters=True,  # error texts must not carry digests or names
    )
    _tame(engine.sync_engine, durability, query_only=query_only)
    return engine


def sync_engine(path: Path, durability: Durability) -> Engine:
    """One connection at a time, for migrations. Every transaction is BEGIN IMMEDIATE."""
    engine = create_engine(
        _url("sqlite+pysqlite", path), connect_args={"timeout": BUSY}, poolclass=NullPool, hide_parameters=True
    )
    _tame(engine, durability)
    return engine.execution_options(begin="IMMEDIATE")


def _url(driver: str, path: Path) -> URL:
    file, _, query = file_uri(path).partition("?")
    return URL.create(driver, database=file, query={**dict([query.split("=")]), "uri": "true"})


def _tame(engine: Engine, durability: Durability, *, query_only: bool = False) -> None:
    def connected(connection: DBAPIConnection, record: object) -> None:
        del record
        connection.isolation_level = None  # the driver begins nothing by itself
        cursor = connection.cursor()
        set_pragmas(cursor, durability, query_only=query_only)
        cursor.close()

    def begun(connection: Connection) -> None:
        kind = connection.get_execution_options().get("begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {kind}")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
