"""Settings of sources: defaults, paths, TLS, and errors that name the setting but never its value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tailrace.errors import ConfigError, ConfigErrors
from tailrace.sources.duckdb.source import DuckDBSource
from tailrace.sources.postgres.settings import PostgresSettings, connection_of
from tailrace.sources.postgres.source import PostgresSource

POSTGRES = {"host": "db.example.com", "database": "shop", "username": "u", "password": "hunter2"}


def test_the_state_file_is_beside_the_data(tmp_path: Path) -> None:
    files = DuckDBSource("w", {"path": "data/shop.duckdb"}, folder=tmp_path).files
    assert files.data == tmp_path / "data" / "shop.duckdb"
    assert files.state == tmp_path / "data" / "shop.tailrace.duckdb"
    assert files.spill == tmp_path / "data" / "shop.tailrace.duckdb.tmp"


def test_the_state_file_can_be_elsewhere(tmp_path: Path) -> None:
    source = DuckDBSource("w", {"path": "shop.duckdb", "state_path": "/var/state.duckdb"}, folder=tmp_path)
    assert source.files.state == Path("/var/state.duckdb")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "path"),
        ({"path": ""}, "path"),
        ({"path": ":memory:"}, "file on this machine"),
        ({"path": "md:shop"}, "file on this machine"),
        ({"path": "s3://bucket/shop.duckdb"}, "file on this machine"),
        ({"path": "a.duckdb", "state_path": "a.duckdb"}, "same file"),
        ({"path": "a.duckdb", "memory_limit": "much"}, "size"),
        ({"path": "a.duckdb", "threads": 0}, "threads"),
        ({"path": "a.duckdb", "pth": "b"}, "pth"),
    ],
)
def test_wrong_settings_of_duckdb_are_named(tmp_path: Path, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        DuckDBSource("w", settings, folder=tmp_path)
    assert says in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"host": None}, "host"),
        ({"port": 0}, "port"),
        ({"port": "many"}, "port"),
        ({"tls": {"mode": "prefer"}}, "tls.mode"),
        ({"tls": {"cert": "c.pem"}}, "both `cert` and `key`"),
        ({"tls": {"mode": "require", "ca": "ca.pem"}}, "nothing would be verified"),
        ({"tls": {"ca": "no-such-file.pem"}}, "does not exist"),
        ({"hostname": "x"}, "hostname"),
    ],
)
def test_wrong_settings_of_postgres_are_named(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    settings = {k: v for k, v in (POSTGRES | changes).items() if v is not None}
    with pytest.raises(ConfigError) as caught:
        PostgresSource("w", settings, folder=tmp_path)
    assert says in caught.value.message
    assert "hunter2" not in str(caught.value.document())


def test_every_wrong_setting_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors) as caught:
        PostgresSource("w", {"port": "x", "nonsense": 1}, folder=tmp_path)
    fields = {error.where.field for error in caught.value.errors if error.where}
    assert {"sources.w.host", "sources.w.port", "sources.w.nonsense"} <= fields


@pytest.mark.parametrize(
    ("host", "mode"),
    [
        ("db.example.com", "verify-full"),
        ("10.0.0.5", "verify-full"),
        ("localhost.example.com", "verify-full"),
        ("localhost", "allow"),
        ("127.0.0.1", "allow"),
        ("127.8.8.8", "allow"),
        ("::1", "allow"),
        ("/var/run/postgresql", "allow"),
    ],
)
def test_tls_is_on_and_verified_except_on_loopback(tmp_path: Path, host: str, mode: str) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("")
    settings = PostgresSettings.model_validate(POSTGRES | {"host": host})
    if mode == "verify-full":
        settings = PostgresSettings.model_validate(POSTGRES | {"host": host, "tls": {"ca": "ca.pem"}})
        assert connection_of(settings, tmp_path).parameters["sslrootcert"] == str(ca)
    assert connection_of(settings, tmp_path).parameters["sslmode"] == mode


def test_the_password_is_shown_nowhere(tmp_path: Path) -> None:
    source = PostgresSource("w", POSTGRES | {"host": "localhost"}, folder=tmp_path)
    assert source.connection.parameters["password"] == "hunter2"
    for shown in (repr(source.settings), repr(source.connection), repr(vars(source)), str(source.settings)):
        assert "hunter2" not in shown


def test_strange_values_survive_in_a_connection_uri(tmp_path: Path) -> None:
    from psycopg.conninfo import conninfo_to_dict

    settings = {"host": "localhost", "database": "a b&c=d", "username": "ü@x/y", "password": "p'\\ %&#?é"}
    source = PostgresSource("w", settings, folder=tmp_path)
    parsed = conninfo_to_dict(source.connection.uri())
    assert {name: str(value) for name, value in parsed.items()} == {
        name: str(value) for name, value in source.connection.parameters.items()
    }
