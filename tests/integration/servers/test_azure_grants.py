"""Who may do what at the stand-in for a dedicated SQL pool, and the errors of those who may not."""

from __future__ import annotations

from collections.abc import Iterator

import mssql_python
import pytest
from tests.integration.servers.azure_client import connect, refused, run
from tests.servers.azure import Pool

Connection = mssql_python.Connection
PASSWORD = "Sec-ret;1"


@pytest.fixture
def pool(azure_pool: Pool) -> Iterator[Pool]:
    azure_pool.server.sql(f"CREATE LOGIN reader_login WITH PASSWORD = '{PASSWORD}'")
    azure_pool.sql(
        "CREATE USER reader FOR LOGIN reader_login",
        "CREATE ROLE readers",
        "EXEC sp_addrolemember 'readers', 'reader'",
        "CREATE SCHEMA shop",
        "CREATE TABLE shop.people (id int, name nvarchar(20)) WITH (DISTRIBUTION = HASH(id), HEAP)",
        "INSERT INTO shop.people VALUES (1, N'Ann')",
    )
    yield azure_pool
    azure_pool.server.sql("DROP LOGIN reader_login")


@pytest.fixture
def reader(pool: Pool) -> Iterator[Connection]:
    with connect(pool, "reader_login", PASSWORD) as connection:
        assert run(connection, "SELECT USER_NAME() AS u, SUSER_SNAME() AS l") == [("reader", "reader_login")]
        yield connection


PEOPLE = "SELECT name FROM shop.people"


@pytest.mark.parametrize(
    "grant",
    [
        "EXEC sp_addrolemember 'db_datareader', 'reader'",
        "GRANT SELECT ON SCHEMA::[shop] TO readers",
        "GRANT SELECT ON shop.people TO reader",
        "GRANT SELECT TO reader",
        "GRANT CONTROL ON SCHEMA::shop TO reader",
        "ALTER ROLE db_owner ADD MEMBER readers",
    ],
)
def test_reading_takes_a_grant(pool: Pool, reader: Connection, grant: str) -> None:
    refused(reader, PEOPLE, "The SELECT permission was denied on the object 'people'")
    assert run(reader, "SELECT COUNT(*) FROM sys.tables") == [(0,)]
    pool.sql(grant)
    assert run(reader, PEOPLE) == [("Ann",)]
    assert run(reader, "SELECT COUNT(*) FROM sys.tables") == [(1,)]


def test_a_denial_wins(pool: Pool, reader: Connection) -> None:
    pool.sql("EXEC sp_addrolemember 'db_datareader', 'reader'", "DENY SELECT ON SCHEMA::shop TO readers")
    refused(reader, PEOPLE, "SELECT permission was denied")
    pool.sql("REVOKE SELECT ON SCHEMA::shop FROM readers")
    assert run(reader, PEOPLE) == [("Ann",)]


@pytest.mark.parametrize(
    ("permission", "statement"),
    [
        ("INSERT", "INSERT INTO shop.people VALUES (2, N'Bob')"),
        ("UPDATE", "UPDATE shop.people SET name = N'Bob' WHERE id = 1"),
        ("DELETE", "DELETE FROM shop.people WHERE id = 1"),
    ],
)
def test_changing_rows_takes_a_grant(pool: Pool, reader: Connection, permission: str, statement: str) -> None:
    pool.sql("GRANT SELECT ON SCHEMA::shop TO reader")
    refused(reader, statement, f"The {permission} permission was denied on the object 'people'")
    pool.sql(f"GRANT {permission} ON SCHEMA::shop TO readers")
    run(reader, statement)


TABLE = "CREATE TABLE own.t (id int) WITH (DISTRIBUTION = HASH(id), HEAP)"


def test_a_schema_of_ones_own(pool: Pool, reader: Connection) -> None:
    refused(reader, "CREATE SCHEMA own", "CREATE SCHEMA permission denied in database")
    pool.sql("GRANT CREATE SCHEMA TO reader")
    run(reader, "CREATE SCHEMA own")
    refused(reader, TABLE, "CREATE TABLE permission denied in database")
    pool.sql(f"GRANT CREATE TABLE ON DATABASE::[{pool.name}] TO reader")
    run(
        reader,
        TABLE,
        "INSERT INTO own.t VALUES (1)",
        "RENAME OBJECT own.t TO t2",
        "DROP TABLE own.t2",
        "DROP SCHEMA own",
    )


def test_a_schema_that_was_made_before(pool: Pool, reader: Connection) -> None:
    pool.sql("CREATE SCHEMA own", "GRANT CREATE TABLE TO readers")
    refused(
        reader, TABLE, 'The specified schema name "own" either does not exist or you do not have permission'
    )
    pool.sql("GRANT CONTROL ON SCHEMA::own TO reader")
    run(reader, TABLE, "UPDATE own.t SET id = 1", "TRUNCATE TABLE own.t", "DROP TABLE own.t")
    refused(reader, "DROP TABLE shop.people", "does not exist or you do not have permission")
    refused(reader, "ALTER TABLE shop.people ADD x int NULL", "does not exist or you do not have permission")


def test_temporary_tables_take_no_grant(pool: Pool, reader: Connection) -> None:
    run(reader, "CREATE TABLE #t WITH (DISTRIBUTION = ROUND_ROBIN) AS SELECT 1 AS a")
    assert run(reader, "SELECT a FROM #t") == [(1,)]


def test_what_administrators_do(pool: Pool, reader: Connection) -> None:
    refused(reader, "CREATE ROLE r", "User does not have permission")
    refused(reader, "GRANT SELECT TO reader", "User does not have permission")
    refused(reader, "KILL 'SID1'", "User does not have permission to use the KILL")
    refused(reader, "SELECT COUNT(*) FROM sys.dm_pdw_exec_requests", "VIEW DATABASE STATE permission denied")
    pool.sql("GRANT VIEW DATABASE STATE TO reader")
    run(reader, "SELECT N'x' AS x OPTION (LABEL = 'the label')")
    found = run(reader, "SELECT status FROM sys.dm_pdw_exec_requests WHERE [label] = 'the label'")
    assert found == [("Completed",)]


@pytest.mark.parametrize(
    "statement",
    [
        "GRANT SELECT ON SCHEMA::nowhere TO reader",
        "GRANT SELECT TO nobody",
        "EXEC sp_addrolemember 'norole', 'reader'",
        "DROP USER nobody",
    ],
)
def test_what_does_not_exist_is_named(pool: Pool, statement: str) -> None:
    with connect(pool) as connection:
        refused(connection, statement, "does not exist or you do not have permission")
