"""An open store of each kind: every behaviour holds on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.servers.postgres import Database

from tailrace.clock import ManualClock
from tailrace.store.store import Store, open_store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 1, 12, 30, 15, 250, tzinfo=UTC))


@pytest.fixture(params=["sqlite", "postgres"])
def environ(request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment of a project whose store is of either kind."""
    if request.param == "sqlite":
        return {}
    database: Database = request.getfixturevalue("postgres_database")
    from sqlalchemy import URL

    settings = database.settings()
    url = URL.create(
        "postgresql",
        username=settings["username"],
        password=settings["password"],
        host=settings["host"],
        port=settings["port"],
        database=settings["database"],
    )
    return {"TAILRACE_STORE": url.render_as_string(hide_password=False)}


@pytest.fixture
def store(tmp_path: Path, environ: dict[str, str], clock: ManualClock) -> Iterator[Store]:
    with open_store(tmp_path, environ, clock) as opened:
        yield opened
