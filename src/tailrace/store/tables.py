"""The store's tables, the same on SQLite and PostgreSQL; `migrations/` is how a store comes to have them."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


class UtcTime(sa.TypeDecorator[datetime]):
    """An aware time, kept in UTC, also by a database that has no time zones."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value else None


metadata = sa.MetaData()

store = sa.Table(
    "store",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("created_at", UtcTime, nullable=False),
)

syncs = sa.Table(
    "syncs",
    metadata,
    sa.Column("sync", sa.Text, primary_key=True),
    sa.Column("mapping", sa.Text, nullable=False),
    sa.Column("state_id", sa.Text, nullable=False),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("environment", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("resumed", sa.Boolean, nullable=False),
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("finished_at", UtcTime),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.BigInteger, nullable=False),
    sa.Column("lease_until", UtcTime, nullable=False),
    sa.Column("counts", sa.JSON, nullable=False),
    sa.Column("by_operation", sa.JSON, nullable=False),
    sa.Column("warnings", sa.JSON, nullable=False),
    sa.Column("phases", sa.JSON, nullable=False),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Column("holder", sa.Text),
    sa.Column("renewed_at", UtcTime),
)
sa.Index("syncs_by_mapping", syncs.c.state_id, syncs.c.started_at)

cancels = sa.Table(
    "cancels",
    metadata,
    sa.Column("sync", sa.ForeignKey("syncs.sync", ondelete="CASCADE"), primary_key=True),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("requested_at", UtcTime, nullable=False),
)

units = sa.Table(
    "units",
    metadata,
    sa.Column("sync", sa.ForeignKey("syncs.sync", ondelete="CASCADE"), primary_key=True),
    sa.Column("unit", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("first", sa.BigInteger, nullable=False),
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("resolved_records", sa.BigInteger, nullable=False),
    sa.Column("unoffered", sa.Text, nullable=False),
    sa.Column("in_flight", sa.Text, nullable=False),
    sa.Column("delivered", sa.Text, nullable=False),
)

exceptions = sa.Table(
    "exceptions",
    metadata,
    sa.Column("sync", sa.ForeignKey("syncs.sync", ondelete="CASCADE"), primary_key=True),
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
    sa.Column("at", UtcTime, nullable=False),
)
sa.Index("exceptions_one_outcome", exceptions.c.sync, exceptions.c.seq, unique=True)
sa.Index("exceptions_by_key", exceptions.c.key)


@functools.cache
def indexed() -> sa.MetaData:
    """The tables with all their indexes, as a store is made; apart, for a condition loads the dialects it is for."""
    live = syncs.c.status == "running"
    sa.Index("syncs_one_live", syncs.c.state_id, unique=True, sqlite_where=live, postgresql_where=live)
    return metadata
