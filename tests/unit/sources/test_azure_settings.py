"""Settings of an `azure` source: what users write, a pasted JDBC string, and the connection string made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tailrace.errors import ConfigError
from tailrace.sources.azure.settings import AzureSettings, connection_string
from tailrace.sources.azure.source import AzureSource

HOST = "shop.sql.azuresynapse.net"
FULL = {"hostname": HOST, "database": "pool", "username": "tailrace", "password": "pa;ss}w{ord"}


def settings(**changes: Any) -> AzureSettings:
    given = {**FULL, **changes}
    return AzureSource("w", {name: value for name, value in given.items() if value is not None}).settings


def problem(**changes: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        settings(**changes)
    assert caught.value.code == "source_settings"
    return caught.value.message


def test_what_is_written_is_what_counts() -> None:
    found = settings()
    assert (found.hostname, found.port, found.database, found.username) == (HOST, 1433, "pool", "tailrace")
    assert found.verified
    assert "pa;ss" not in repr(found)


def test_a_source_waits_ten_minutes_between_commits() -> None:
    assert AzureSource("w", FULL).commit_interval == 600
    assert AzureSource("w", FULL, commit_interval=30).commit_interval == 30


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("shop-ondemand.sql.azuresynapse.net", "serverless"),
        ("Shop-OnDemand.sql.azuresynapse.net", "serverless"),
        ("x.datawarehouse.fabric.microsoft.com", "Fabric"),
        ("a;Database=other", "host name"),
        ("a,1434", "host name"),
        ("tcp:a", "host name"),
    ],
)
def test_what_is_no_dedicated_pool_is_refused_with_the_reason(host: str, words: str) -> None:
    assert words in problem(hostname=host)


@pytest.mark.parametrize("host", [HOST, "shop.database.windows.net", "10.0.0.4", "localhost", "::1"])
def test_both_kinds_of_host_and_addresses_are_taken(host: str) -> None:
    assert settings(hostname=host).hostname == host


def test_the_servers_own_database_is_no_pool() -> None:
    assert "name the pool" in problem(database="Master")


def test_a_login_is_a_password_or_entra() -> None:
    principal = {"tenant_id": "t", "client_id": "c", "client_secret": "s"}
    assert settings(username=None, password=None, entra=principal).user == "c"
    assert settings(username=None, password=None, entra={"managed_identity": True}).entra
    assert "not both" in problem(entra=principal)
    assert "or `entra`" in problem(password=None)
    assert "tenant_id" in problem(username=None, password=None, entra={"client_id": "c"})
    assert "neither" in problem(
        username=None, password=None, entra={"managed_identity": True, "tenant_id": "t"}
    )
    assert "id or a domain" in problem(
        username=None, password=None, entra={**principal, "tenant_id": "a/../b"}
    )


JDBC = (
    f"jdbc:sqlserver://{HOST}:1433;database=pool;user=sqladmin@shop;password={{your_password_here}};"
    "encrypt=true;trustServerCertificate=false;hostNameInCertificate=*.sql.azuresynapse.net;loginTimeout=30;"
)


def jdbc(text: str, **beside: Any) -> AzureSettings:
    return AzureSource("w", {"jdbc": text, **beside}).settings


def test_the_portals_jdbc_string_fills_the_fields() -> None:
    found = jdbc(JDBC, password="secret")
    assert (found.hostname, found.port, found.database, found.username) == (
        HOST,
        1433,
        "pool",
        "sqladmin@shop",
    )
    assert found.connect_timeout == 30


@pytest.mark.parametrize(
    ("username", "login"),
    [
        ("etl@shop", "etl"),
        ("etl@SHOP", "etl"),
        ("etl", "etl"),
        ("a@b.com", "a@b.com"),
        ("a@b.com@shop", "a@b.com"),
    ],
)
def test_rights_are_granted_to_the_login_without_its_server(username: str, login: str) -> None:
    source = AzureSource("w", FULL | {"username": username})
    assert f"CREATE LOGIN [{login}] " in source.grants(None, None, [])
    assert f"UID={{{username}}}" in connection_string(source.settings)


def test_a_jdbc_string_without_a_password_says_what_it_lacks() -> None:
    with pytest.raises(ConfigError, match="'w': the JDBC string has no password: set `password` beside it"):
        jdbc(JDBC)


def test_what_stands_beside_a_jdbc_string_wins() -> None:
    assert jdbc(JDBC, username="tailrace", password="x").username == "tailrace"


def test_entra_takes_the_place_of_a_jdbc_strings_login() -> None:
    found = jdbc(JDBC.replace("{your_password_here}", "x"), entra={"managed_identity": True})
    assert found.username is None


def test_a_jdbc_strings_password_may_hold_anything() -> None:
    found = jdbc("jdbc:sqlserver://h;databaseName=d;user=u;password={a;b}}c=d}")
    assert found.password is not None
    assert found.password.get_secret_value() == "a;b}c=d"
    assert (found.hostname, found.port) == ("h", 1433)


def test_the_portals_place_holder_is_no_password() -> None:
    with pytest.raises(ConfigError, match="password"):
        jdbc(JDBC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Server=tcp:h,1433;Database=d", "jdbc:sqlserver://"),
        ("jdbc:sqlserver://h\\instance;user=u", "host:port"),
        ("jdbc:sqlserver://h;nonsense", "name=value"),
        ("jdbc:sqlserver://h;authentication=ActiveDirectoryPassword;password=hidden", "entra"),
        ("jdbc:sqlserver://h;encrypt=false;password=hidden", "encryption"),
        ("jdbc:sqlserver://h;trustServerCertificate=true;password=hidden", "tls.ca"),
        ("jdbc:sqlserver://h;integratedSecurity=true", "integrated"),
    ],
)
def test_a_jdbc_string_that_asks_for_what_cannot_be_says_so_and_stays_hidden(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        jdbc(text)
    assert words in caught.value.message
    assert "hidden" not in caught.value.message


def test_tls_is_verified_everywhere_but_on_loopback() -> None:
    assert "TrustServerCertificate={no}" in connection_string(settings())
    assert "Encrypt={yes}" in connection_string(settings(hostname="localhost"))
    assert "TrustServerCertificate={yes}" in connection_string(settings(hostname="localhost"))
    with_ca = AzureSettings.model_validate({**FULL, "hostname": "localhost", "tls": {"ca": "ca.pem"}})
    assert "TrustServerCertificate={no}" in connection_string(with_ca)


@pytest.mark.parametrize(
    "value",
    ["a;UID=sa", "a};TrustServerCertificate=yes;x={", "{a", "a}", "}}", "a=b", " a ", "'", '"', ";", "{}"],
)
def test_no_value_ends_the_connection_string_early(value: str) -> None:
    text = connection_string(settings(username=value, password=value, database=value))
    assert driver_reads(text) == {
        "Server": f"tcp:{HOST},1433",
        "Database": value,
        "UID": value,
        "PWD": value,
        "Encrypt": "yes",
        "TrustServerCertificate": "no",
        "ConnectRetryCount": "0",
        "KeepAlive": "30",
        "KeepAliveInterval": "10",
    }


def driver_reads(text: str) -> dict[str, str]:
    """As Microsoft's driver parses it, and writes it again for ODBC."""
    from mssql_python.connection_string_builder import _ConnectionStringBuilder
    from mssql_python.connection_string_parser import _ConnectionStringParser

    once = _ConnectionStringParser(validate_keywords=True)._parse(text)
    again = _ConnectionStringParser(validate_keywords=True)._parse(_ConnectionStringBuilder(once).build())
    names = {name.lower(): value for name, value in again.items()}
    wanted = ["Server", "Database", "UID", "PWD", "Encrypt", "TrustServerCertificate", "ConnectRetryCount"]
    assert len(names) == len(wanted) + 2
    return {name: names[name.lower()] for name in [*wanted, "KeepAlive", "KeepAliveInterval"]}


def test_a_missing_file_of_authorities_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ca\.pem"):
        AzureSource("w", {**FULL, "tls": {"ca": "ca.pem"}}, folder=tmp_path)
