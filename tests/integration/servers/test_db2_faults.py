"""What the stand-in for Db2 does wrong on demand, as IBM's driver sees it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.integration.servers.db2_client import Client, Failed
from tests.servers.db2 import Database, Db2Server, faults
from tests.servers.db2.sqlca import Sqlca


@pytest.fixture
def database(db2_database: Database) -> Database:
    db2_database.sql("CREATE SCHEMA S", "CREATE TABLE S.T (I INTEGER)")
    return db2_database


@pytest.fixture
def client(database: Database) -> Iterator[Client]:
    with Client(database.settings(tls=None), autocommit=False) as client:
        yield client


@pytest.mark.parametrize(
    ("result", "left"),
    [
        (faults.DEADLOCK, 0),
        (faults.LOCK_TIMEOUT, 0),
        (faults.LOG_FULL, 0),
        (faults.TABLE_SPACE_FULL, 1),
        (faults.NO_TABLE_SPACE, 1),
        (faults.NEEDS_REORG, 1),
        (faults.CANCELLED, 1),
    ],
)
def test_a_statement_fails_with_a_code_and_leaves_what_db2_leaves(
    db2: Db2Server, client: Client, result: Sqlca, left: int
) -> None:
    client.sql("INSERT INTO S.T VALUES 1")
    fault = db2.fail(result, matching="VALUES 2")
    with pytest.raises(Failed) as caught:
        client.sql("INSERT INTO S.T VALUES 2")
    assert caught.value.code == result.code
    assert fault.happened.is_set()
    assert client.sql("SELECT COUNT(*) FROM S.T") == [[left]]


@pytest.mark.parametrize(("before", "rows"), [(True, 0), (False, 1)])
def test_a_link_ends_before_or_after_the_effect_of_a_commit(
    db2: Db2Server, database: Database, client: Client, before: bool, rows: int
) -> None:
    client.sql("INSERT INTO S.T VALUES 1")
    db2.drop("commit", before=before)
    with pytest.raises(Failed):
        client.commit()
    assert database.sql("SELECT COUNT(*) FROM S.T") == [(rows,)]


def test_a_link_ends_in_the_middle_of_a_statement_and_of_a_result(
    db2: Db2Server, database: Database, client: Client
) -> None:
    database.sql(
        "CREATE TABLE S.MANY (V VARCHAR(1000))",
        f"INSERT INTO S.MANY VALUES '{'x' * 1000}'",
        *["INSERT INTO S.MANY SELECT V FROM S.MANY"] * 8,
    )
    client.sql("INSERT INTO S.T VALUES 7")
    db2.drop("statement", matching="INSERT")
    with pytest.raises(Failed, match="SQL30108N"):
        client.sql("INSERT INTO S.T VALUES 1")
    db2.drop("fetch", skip=2)
    with pytest.raises(Failed, match="SQL30108N"):
        client.sql("SELECT V FROM S.MANY")
    assert database.sql("SELECT COUNT(*) FROM S.T") == [(0,)]


def test_the_driver_runs_the_first_statement_of_a_unit_of_work_again_by_itself(
    db2: Db2Server, database: Database, client: Client
) -> None:
    client.sql("SET SCHEMA S")
    client.commit()
    lost = db2.drop("statement", before=True, matching="CURRENT SCHEMA")
    assert client.sql("VALUES CURRENT SCHEMA") == [["DB2INST1"]]
    assert lost.happened.is_set()


def test_what_runs_for_a_client_that_is_gone_ends_and_gives_its_locks_back(
    db2: Db2Server, database: Database, client: Client
) -> None:
    database.sql(*["INSERT INTO S.T VALUES 1, 2, 3, 4, 5, 6, 7, 8"] * 8)
    endless = "INSERT INTO S.T SELECT A.I FROM S.T A, S.T B, S.T C, S.T D, S.T E WHERE A.I + B.I + C.I + D.I + E.I = 0"
    started = db2.slow(0, matching="A.I FROM S.T A")
    client.send("sql", endless)
    assert started.happened.wait(60)
    client.end()
    database.sql("DROP TABLE S.T")


def test_two_who_wait_for_each_other_are_parted(database: Database, client: Client) -> None:
    database.sql(
        *("CREATE TABLE S.A (I INTEGER)", "CREATE TABLE S.B (I INTEGER)"),
        *("INSERT INTO S.A VALUES 1", "INSERT INTO S.B VALUES 1"),
    )
    with Client(database.settings(tls=None), autocommit=False) as other:
        client.sql("UPDATE S.A SET I = 2")
        other.sql("UPDATE S.B SET I = 2")
        client.send("sql", "UPDATE S.B SET I = 3")
        codes: list[int | None] = []
        for ask in (lambda: other.sql("UPDATE S.A SET I = 3"), client.receive):
            try:
                ask()
            except Failed as failed:
                codes.append(failed.code)
            other.rollback()
        assert codes == [-911]


def test_the_log_is_full_after_so_many_rows(database: Database, client: Client) -> None:
    database.log_rows = 10
    client.sql("INSERT INTO S.T VALUES 1, 2, 3, 4, 5, 6")
    with pytest.raises(Failed, match="SQL0964C"):
        client.sql("INSERT INTO S.T SELECT I FROM S.T")
    assert client.sql("SELECT COUNT(*) FROM S.T") == [[0]]
    client.sql("INSERT INTO S.T VALUES 1, 2, 3, 4, 5, 6")
    client.commit()
    client.sql("INSERT INTO S.T VALUES 1, 2, 3, 4, 5, 6")


@pytest.mark.parametrize(
    ("columns", "extended", "code"),
    [
        ("A VARCHAR(3000), B VARCHAR(3000)", False, -286),
        ("A VARCHAR(30000), B VARCHAR(3000)", False, -670),
        ("A VARCHAR(30000), B VARCHAR(3000)", True, None),
        ("A CHAR(250), B VARCHAR(3000)", False, None),
    ],
)
def test_a_row_must_fit_into_a_page(
    database: Database, client: Client, columns: str, extended: bool, code: int | None
) -> None:
    database.page_size, database.extended_rows = 4096, extended
    found: int | None = None
    try:
        client.sql(f"CREATE TABLE S.WIDE ({columns})")
    except Failed as failed:
        found = failed.code
    assert found == code


def test_without_a_user_temporary_table_space_no_table_is_temporary(
    database: Database, client: Client
) -> None:
    database.user_temporary = False
    with pytest.raises(Failed, match="SQL0286N"):
        client.sql("DECLARE GLOBAL TEMPORARY TABLE SESSION.X (I INTEGER) ON COMMIT PRESERVE ROWS NOT LOGGED")


def test_statements_are_kept_as_clients_wrote_them(db2: Db2Server, client: Client) -> None:
    client.sql("VALUES HEX(HASH('kept', 2))")
    assert db2.statements[-1] == "VALUES HEX(HASH('kept', 2))"
