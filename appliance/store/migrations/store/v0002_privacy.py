"""Keys and models may name a privacy policy."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
compatible_from = "0001"


def upgrade() -> None:
    op.add_column("keys", sa.Column("privacy", sa.Text(), nullable=True))
    op.add_column("models", sa.Column("privacy", sa.Text(), nullable=True))
