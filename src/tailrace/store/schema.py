"""The store's version: found by one small query; Alembic is imported only when the store must be migrated."""

from __future__ import annotations

import threading
from importlib.resources import files

import sqlalchemy as sa

from tailrace.errors import StoreError
from tailrace.store.database import Database

REVISIONS = ("0001", "0002")
"""Every revision in order; the last is what this version of Tailrace works with."""
VERSION_TABLE = "store_version"
_MIGRATING = threading.Lock()
"""Alembic works on variables of its module: one migration at a time in a process."""


def ensure(database: Database) -> None:
    """Bring the store to this version. Raises StoreError where a newer Tailrace or something else made it."""
    with database.read() as connection:
        found = _version(connection)
    if found == REVISIONS[-1]:
        return
    if found is None:
        _create(database)
        return
    if found not in REVISIONS:
        raise StoreError(
            f"The control store {database.location} was made by a newer version of Tailrace ({found})",
            hint="Upgrade Tailrace, or point TAILRACE_STORE elsewhere; deleting the store is safe too.",
            code="store_newer",
        )
    migrate(database)


def _version(connection: sa.Connection) -> str | None:
    inspector = sa.inspect(connection)
    if inspector.has_table(VERSION_TABLE):
        return connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    if connection.dialect.name == "sqlite" and inspector.get_table_names():
        raise StoreError(
            "The file that should be the control store is another application's SQLite database",
            hint="Point TAILRACE_STORE to a file of its own.",
            code="store_foreign",
        )
    return None


def _create(database: Database) -> None:
    """Make a new store as the migrations would, in a tenth of their time; unless another process just did."""
    from tailrace.store.tables import indexed

    with database.migrate() as connection:
        if _version(connection) is None:
            version = sa.Column("version_num", sa.String(32), primary_key=True)
            made = sa.Table(VERSION_TABLE, sa.MetaData(), version)
            made.create(connection)
            indexed().create_all(connection)
            connection.execute(sa.insert(made).values(version_num=REVISIONS[-1]))


def migrate(database: Database) -> None:
    """Run the migrations that a store lacks; all of them on an empty database."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("tailrace.store") / "migrations"))
    with _MIGRATING, database.migrate() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
