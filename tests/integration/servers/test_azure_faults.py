"""What goes wrong on demand at the stand-in for a dedicated SQL pool, and its fake Entra ID."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import mssql_python
import pytest
from tests.integration.servers.azure_client import connect, refused, run
from tests.servers.azure import Pool
from tests.servers.azure.entra import CLIENT, SECRET, TENANT

Connection = mssql_python.Connection


@pytest.fixture
def pool(azure_pool: Pool) -> Pool:
    azure_pool.sql("CREATE TABLE t (n int) WITH (DISTRIBUTION = HASH(n), HEAP)", "INSERT INTO t VALUES (1)")
    return azure_pool


@pytest.fixture
def client(pool: Pool) -> Iterator[Connection]:
    connection = connect(pool)
    yield connection
    connection.close()


LOST = "Communication link failure"
LOGINS = [
    (40613, "is not currently available"),
    (40615, "is not allowed to access the server"),
    (42108, "since it is paused"),
    (40892, "when it is paused"),
    (42109, "warming up"),
    (10928, "Resource ID: 1"),
    (49918, "Not enough resources"),
    (916, "is not able to access the database"),
]


@pytest.mark.parametrize(("number", "words"), LOGINS)
def test_logins_are_refused_as_told(pool: Pool, number: int, words: str) -> None:
    pool.server.faults.refuse_logins(number, times=1)
    with pytest.raises(mssql_python.Error, match=words):
        connect(pool)
    connect(pool).close()


@pytest.mark.parametrize(
    ("number", "words"), [(1205, "deadlock victim"), (110802, "110802;"), (40197, "service has")]
)
def test_statements_fail_before_or_after_their_effect(
    pool: Pool, client: Connection, number: int, words: str
) -> None:
    pool.server.faults.fail(number, "update T")
    refused(client, "UPDATE t SET n = 2", words)
    assert run(client, "SELECT n FROM t") == [(1,)]
    pool.server.faults.fail(number, "update T", at="after")
    refused(client, "UPDATE t SET n = 3", words)
    assert run(client, "SELECT n FROM t") == [(3,)]
    run(client, "UPDATE t SET n = 4")


@pytest.mark.parametrize(("at", "value"), [("before", 1), ("after", 2)])
def test_a_connection_is_lost_around_a_commit(pool: Pool, client: Connection, at: Any, value: int) -> None:
    pool.server.faults.drop("COMMIT", at=at)
    client.autocommit = False
    run(client, "UPDATE t SET n = 2")
    with pytest.raises(mssql_python.Error):
        client.commit()
    with connect(pool) as other:
        assert run(other, "UPDATE t SET n = n", "SELECT n FROM t") == [(value,)]


def test_a_connection_is_lost_between_rows(pool: Pool, client: Connection) -> None:
    for _ in range(12):
        pool.sql("INSERT INTO t SELECT n FROM t")
    pool.server.faults.drop("SELECT n", at="rows", rows=1000)
    with client.cursor() as cursor, pytest.raises(mssql_python.Error, match=LOST):
        cursor.execute("SELECT n FROM t").fetchall()


def test_a_pause_ends_what_runs_and_shuts_the_pool(pool: Pool, client: Connection) -> None:
    held = pool.server.faults.hold("held")
    caught: list[str] = []

    def query() -> None:
        try:
            run(client, "SELECT 'held' AS h")
        except mssql_python.Error as error:
            caught.append(str(error))

    thread = threading.Thread(target=query)
    thread.start()
    held.reached()
    pool.server.faults.pause()
    thread.join(60)
    assert len(caught) == 1
    with pytest.raises(mssql_python.Error, match="since it is paused"):
        connect(pool)
    pool.server.faults.resume()
    with connect(pool) as again:
        assert run(again, "SELECT n FROM t") == [(1,)]


def test_statements_beyond_the_slots_wait(pool: Pool) -> None:
    pool.server.faults.slots(1)
    held = pool.server.faults.hold("FROM t AS held", at="after")
    with connect(pool) as first, connect(pool) as second:
        threads = [
            threading.Thread(target=lambda: run(first, "SELECT n FROM t AS held")),
            threading.Thread(target=lambda: run(second, "SELECT n FROM t")),
        ]
        threads[0].start()
        held.reached()
        threads[1].start()
        held.release()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()


def test_editions(pool: Pool, client: Connection) -> None:
    for number in (5, 11):
        pool.server.faults.edition(number)
        assert run(client, "SELECT SERVERPROPERTY('EngineEdition') AS e") == [(number,)]


def token(pool: Pool, secret: str = SECRET, tenant: str = TENANT) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "client_secret": secret,
        "scope": "https://database.windows.net/.default",
    }
    address = pool.environment()["TAILRACE_ENTRA_AUTHORITY"]
    request = urllib.request.Request(
        f"{address}/{tenant}/oauth2/v2.0/token", urllib.parse.urlencode(form).encode()
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["access_token"]


def test_a_service_principal_logs_in_by_token(pool: Pool) -> None:
    found = token(pool)
    with pytest.raises(mssql_python.Error, match="token-identified principal"):
        connect(pool, token=found)
    pool.sql("CREATE USER [tailrace-app] FROM EXTERNAL PROVIDER", "GRANT SELECT TO [tailrace-app]")
    with connect(pool, token=found) as connection:
        assert run(connection, "SELECT USER_NAME() AS u, n FROM t") == [("tailrace-app", 1)]
    pool.server.faults.expire_tokens()
    with pytest.raises(mssql_python.Error, match="token-identified principal"):
        connect(pool, token=found)
    with connect(pool, token=token(pool)) as connection:
        assert run(connection, "SELECT n FROM t") == [(1,)]


def test_wrong_secrets_and_tenants_get_no_token(pool: Pool) -> None:
    for wrong, words in (({"secret": "no"}, "AADSTS7000215"), ({"tenant": "no"}, "AADSTS90002")):
        with pytest.raises(urllib.error.HTTPError) as refusal:
            token(pool, **wrong)
        with refusal.value as answer:
            assert words in json.load(answer)["error_description"]
    pool.server.faults.refuse_tokens()
    with pytest.raises(urllib.error.HTTPError) as refusal:
        token(pool)
    with refusal.value as answer:
        assert answer.code == 503


def test_a_managed_identity_gets_a_token_from_the_metadata_service(pool: Pool) -> None:
    pool.sql("CREATE USER [tailrace-identity] FROM EXTERNAL PROVIDER")
    address = pool.environment()["AZURE_POD_IDENTITY_AUTHORITY_HOST"]
    query = urllib.parse.urlencode({"api-version": "2018-02-01", "resource": "https://database.windows.net/"})
    request = urllib.request.Request(
        f"{address}/metadata/identity/oauth2/token?{query}", headers={"Metadata": "true"}
    )
    with urllib.request.urlopen(request) as answer:
        found = json.load(answer)["access_token"]
    with connect(pool, token=found) as connection:
        assert run(connection, "SELECT USER_NAME() AS u") == [("tailrace-identity",)]
