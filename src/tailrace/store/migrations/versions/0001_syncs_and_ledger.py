"""Syncs, cancel requests and the ledger of units and exceptions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _sync() -> sa.Column[str]:
    return sa.Column("sync", sa.Text, sa.ForeignKey("syncs.sync", ondelete="CASCADE"), primary_key=True)


def upgrade() -> None:
    op.create_table(
        "store",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "syncs",
        sa.Column("sync", sa.Text, primary_key=True),
        sa.Column("mapping", sa.Text, nullable=False),
        sa.Column("state_id", sa.Text, nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("environment", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("resumed", sa.Boolean, nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=False),
        sa.Column("finished_at", sa.DateTime),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.DateTime, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("by_operation", sa.JSON, nullable=False),
        sa.Column("warnings", sa.JSON, nullable=False),
        sa.Column("phases", sa.JSON, nullable=False),
        sa.Column("error", sa.JSON),
    )
    live = sa.text("status = 'running'")
    op.create_index(
        "syncs_one_live", "syncs", ["state_id"], unique=True, sqlite_where=live, postgresql_where=live
    )
    op.create_index("syncs_by_mapping", "syncs", ["state_id", "started_at"])
    op.create_table(
        "cancels",
        _sync(),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("requested_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "units",
        _sync(),
        sa.Column("unit", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("resolved_records", sa.BigInteger, nullable=False),
        sa.Column("unoffered", sa.Text, nullable=False),
        sa.Column("in_flight", sa.Text, nullable=False),
        sa.Column("delivered", sa.Text, nullable=False),
    )
    op.create_table(
        "exceptions",
        _sync(),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("record_id", sa.Text, nullable=False),
        sa.Column("payload", sa.Text),
        sa.Column("answer", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_index("exceptions_one_outcome", "exceptions", ["sync", "seq"], unique=True)
    op.create_index("exceptions_by_key", "exceptions", ["key"])
