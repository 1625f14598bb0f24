"""The tests' own PostgreSQL cluster."""

from __future__ import annotations

from tests.servers.postgres import Database


def test_a_fresh_database_answers(postgres_database: Database) -> None:
    assert postgres_database.sql("CREATE TABLE t (i int)", "INSERT INTO t VALUES (7)", "SELECT i FROM t") == [
        (7,)
    ]
