"""Rows say what was found in a request, never what it was: entities, actions and counts."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
compatible_from = "0001"


def upgrade() -> None:
    op.add_column("rows", sa.Column("policy", sa.Text(), nullable=True))
    op.add_column("rows", sa.Column("analyser", sa.Text(), nullable=True))
    op.add_column("rows", sa.Column("treated", sa.Text(), nullable=True))
