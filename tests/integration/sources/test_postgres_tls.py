"""TLS of PostgreSQL: every mode against a server whose certificate is for `localhost` alone."""

from __future__ import annotations

from typing import Any

import pytest
from tests.servers.postgres import Database

from tailrace.errors import SourceError
from tailrace.sources.base import CheckStep
from tailrace.sources.postgres.source import PostgresSource

ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


def tls_step(source: PostgresSource) -> CheckStep:
    return {step.name: step for step in source.check()}["TLS"]


def configured(database: Database, host: str, tls: Any) -> PostgresSource:
    if isinstance(tls, dict):
        files = {"ca": str(database.server.ca), "other": str(database.server.other_ca)}
        tls = {name: files.get(value, value) for name, value in tls.items()}
    return PostgresSource("w", database.settings(host=host, tls=tls))


@pytest.mark.parametrize(
    ("host", "tls", "encrypted"),
    [
        ("localhost", {"mode": "verify-full", "ca": "ca"}, True),
        ("127.0.0.1", {"mode": "verify-ca", "ca": "ca"}, True),
        ("127.0.0.1", "require", True),
        ("127.0.0.1", "disable", False),
        ("127.0.0.1", None, False),
    ],
)
def test_a_connection_is_as_protected_as_asked(
    postgres_database: Database, host: str, tls: Any, encrypted: bool
) -> None:
    source = configured(postgres_database, host, tls)
    with source.session() as session:
        assert session.rows(ENCRYPTED) == [(encrypted,)]
        assert session.read(ENCRYPTED).read_all().to_pylist() == [{"ssl": encrypted}]
    assert tls_step(source).status == "passed"


@pytest.mark.parametrize(
    ("host", "tls", "detail", "remedy"),
    [
        ("127.0.0.1", {"mode": "verify-full", "ca": "ca"}, "for another name than '127.0.0.1'", "verify-ca"),
        ("localhost", {"mode": "verify-full", "ca": "other"}, "not trusted", "tls.ca"),
        ("127.0.0.1", {"mode": "verify-ca", "ca": "other"}, "not trusted", "tls.ca"),
    ],
)
def test_a_server_that_cannot_prove_itself_is_refused(
    postgres_database: Database, host: str, tls: Any, detail: str, remedy: str
) -> None:
    source = configured(postgres_database, host, tls)
    step = tls_step(source)
    assert step.status == "failed"
    assert detail in step.detail
    assert remedy in step.remedy
    with source.session() as session, pytest.raises(SourceError) as caught:
        session.rows("SELECT 1")
    assert caught.value.code == "source_tls_failed"
    with source.session() as session, pytest.raises(SourceError):
        session.read("SELECT 1")


def test_a_server_without_tls_is_named(postgres_database: Database) -> None:
    server = postgres_database.server
    server.sql("ALTER SYSTEM SET ssl = off", "SELECT pg_reload_conf()")
    try:
        step = tls_step(configured(postgres_database, "localhost", {"mode": "verify-full", "ca": "ca"}))
        assert step.status == "failed"
        assert "does not offer TLS" in step.detail
        assert tls_step(configured(postgres_database, "127.0.0.1", None)).status == "passed"
    finally:
        server.sql("ALTER SYSTEM RESET ssl", "SELECT pg_reload_conf()")
