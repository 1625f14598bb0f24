"""Runs migrations on the connection that `schema.ensure` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from tailrace.store.schema import VERSION_TABLE
from tailrace.store.tables import indexed

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=indexed(),
    version_table=VERSION_TABLE,
)
context.run_migrations()
