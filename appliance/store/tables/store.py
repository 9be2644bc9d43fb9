"""store.db: keys, models, deployments, peppers, settings, events and the change number."""

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    event,
    text,
)

# Every constraint has a name, so that a later migration can alter it in batch mode.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMES)

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("pepper_version", Integer, nullable=False),
    Column("hint", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("models", Text, nullable=False),  # JSON list
    Column("limits", Text, nullable=False),  # JSON of identity.Limits
    Column("fields", Text, nullable=False),  # JSON list
    Column("blocked", Boolean(create_constraint=False), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    # Checked at commit, so that a rotation may save the old key before its successor.
    Column("successor", Text, ForeignKey("keys.id", deferrable=True, initially="DEFERRED")),
    Column("workspace", Text),
    Column("team", Text),
    Column("metadata", Text, nullable=False),  # JSON object
    Column("privacy", Text),  # the name of a policy
    Index("uq_keys_digest", "digest", unique=True),
    # A revoked or replaced key gives its name back; an expired one keeps it, for it may be prolonged.
    Index("uq_keys_live_name", "name", unique=True, sqlite_where=text("revoked_at IS NULL AND successor IS NULL")),
)

models = Table(
    "models",
    metadata,
    Column("name", Text, primary_key=True),
    Column("strategy", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("privacy", Text),  # the name of a policy
)

deployments = Table(
    "deployments",
    metadata,
    Column("model", Text, ForeignKey("models.name", ondelete="CASCADE"), primary_key=True),
    Column("label", Text, primary_key=True),
    Column("position", Integer, nullable=False),  # the order the operator wrote them in
    Column("provider", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("upstream_model", Text, nullable=False),
    Column("weight", Float, nullable=False),
    Column("max_parallel", Integer),
    Column("timeouts", Text, nullable=False),  # JSON of model.Timeouts
    Column("price", Text),  # JSON of money.Price
    Column("options", Text, nullable=False),  # JSON object
    Column("credential", Text),  # a reference; the secret itself is never stored
    Column("ca_file", Text),
    Column("media_urls", Boolean(create_constraint=False), nullable=False),
    Column("enabled", Boolean(create_constraint=False), nullable=False),
)

peppers = Table(
    "peppers",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("retired", Boolean(create_constraint=False), nullable=False),
)

settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),  # JSON
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", Text),  # JSON object
    Column("after", Text),  # JSON object
    Column("detail", Text, nullable=False),
    Index("ix_events_action", "action", "id"),
    sqlite_autoincrement=True,  # an id is never given twice
)

change = Table(
    "change",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

# Append-only, also for those who open the file by hand: rewriting history takes a deliberate DROP TRIGGER.
KEEP = "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
APPEND_ONLY = (
    f"CREATE TRIGGER events_keep_update BEFORE UPDATE ON events {KEEP}",
    f"CREATE TRIGGER events_keep_delete BEFORE DELETE ON events {KEEP}",
)
FIRST_CHANGE = "INSERT INTO change (id, number) VALUES (1, 0)"

for table, statement in ((events, APPEND_ONLY[0]), (events, APPEND_ONLY[1]), (change, FIRST_CHANGE)):
    event.listen(table, "after_create", DDL(statement))  # type: ignore[no-untyped-call]  # not annotated in SQLAlchemy 2.1
