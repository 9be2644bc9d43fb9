"""ledger.db: one row for every request, its sums by hour and by day, and a marker for every run of the gateway."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, Table, Text

from appliance.store.tables.store import NAMES

SUMS = ("requests", "failed", "prompt", "completion", "cached", "reasoning", "cost", "unpriced", "estimated")
"""What the roll-ups add up, in the order the writer hands them over. `failed` counts `Status.FAILED` alone."""

metadata = MetaData(naming_convention=NAMES)

rows = Table(
    "rows",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("workspace", Text),
    Column("team", Text),
    Column("kind", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("deployment", Text),
    Column("provider", Text),
    Column("attempts", Integer, nullable=False),
    Column("streamed", Boolean(create_constraint=False), nullable=False),
    Column("status", Text, nullable=False),
    Column("http_status", Integer, nullable=False),
    Column("error", Text),
    Column("prompt", BigInteger, nullable=False),
    Column("completion", BigInteger, nullable=False),
    Column("cached", BigInteger, nullable=False),
    Column("reasoning", BigInteger, nullable=False),
    Column("estimated", Boolean(create_constraint=False), nullable=False),
    Column("cost", BigInteger, nullable=False),
    Column("unpriced", Boolean(create_constraint=False), nullable=False),
    Column("first_token_ms", BigInteger),
    Column("total_ms", BigInteger, nullable=False),
    Column("overhead_ms", Float, nullable=False),
    Column("policy", Text),  # id of the privacy policy that was in force
    Column("analyser", Text),  # name and hash of the model that looked for names
    Column("treated", Text),  # JSON of ledger.Treated
    Index("ix_rows_at", "at"),
    Index("ix_rows_key_id_at", "key_id", "at"),
)


# Time comes first in the primary key, so that a flush touches the end of the tree only; the second index answers
# for one key.
hours = Table(
    "hours",
    metadata,
    Column("hour", Integer, primary_key=True, autoincrement=False),  # hours since 1970, UTC
    Column("key_id", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in SUMS),
    Index("ix_hours_key_id_hour", "key_id", "hour"),
    sqlite_with_rowid=False,
)

days = Table(
    "days",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),  # days since 1970, UTC
    Column("key_id", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in SUMS),
    Index("ix_days_key_id_day", "key_id", "day"),
    sqlite_with_rowid=False,
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),  # when it last wrote rows
    Column("rows", BigInteger, nullable=False),  # written by it so far
    Column("stopped_at", BigInteger),  # None: still running, or it never stopped cleanly
)
