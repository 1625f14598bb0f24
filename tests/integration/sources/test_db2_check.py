"""The connection test of a Db2 source: each right withheld in turn, each refusal with the one thing that helps."""

from __future__ import annotations

from typing import Any

import pytest
from tests.servers.db2 import Database, Db2Server
from tests.servers.db2.faults import CANCELLED, DEADLOCK, LOG_FULL, NEEDS_REORG, STOPPED, TABLE_SPACE_FULL

from tailrace.errors import ModelError, SourceError
from tailrace.sources.base import CheckStep
from tailrace.sources.db2 import check
from tailrace.sources.db2.source import Db2Source

USER = "segment"
CREATETAB = "GRANT CREATETAB ON DATABASE TO USER {user}"
SCHEMA = "CREATE SCHEMA SEGMENT_REVERSE_ETL"
CREATEIN = "GRANT CREATEIN, DROPIN ON SCHEMA SEGMENT_REVERSE_ETL TO USER {user}"
SELECT = "GRANT SELECT ON TABLE DB2INST1.ORDERS TO USER {user}"


@pytest.fixture
def orders(db2_database: Database) -> Database:
    db2_database.sql("CREATE TABLE ORDERS (ID BIGINT)", "INSERT INTO ORDERS VALUES (1)")
    return db2_database


def checked(database: Database, *grants: str, **changes: Any) -> dict[str, CheckStep]:
    source = Db2Source("w", database.user(USER, *grants, **changes))
    return {step.name: step for step in source.check()}


@pytest.mark.parametrize("role", [None, "readers"])
def test_with_what_grants_prints_every_step_passes(orders: Database, role: str | None) -> None:
    source = Db2Source("w", orders.user(USER))
    printed = source.grants(None, role, []) + source.table_grants(
        ["SELECT * FROM db2inst1.orders"], None, role
    )
    statements = "".join(line for line in printed.splitlines(keepends=True) if not line.startswith("--"))
    orders.sql(*(statement.strip() for statement in statements.split(";") if statement.strip()))
    steps = list(source.check())
    assert [step for step in steps if step.status not in ("passed",)] == []


@pytest.mark.parametrize(
    ("grants", "step", "remedy"),
    [
        (
            (CREATETAB, SCHEMA, CREATEIN),
            "read",
            'GRANT SELECT ON TABLE "DB2INST1"."ORDERS" TO USER "SEGMENT"',
        ),
        ((CREATETAB, SELECT), "managed schema", 'CREATE SCHEMA "SEGMENT_REVERSE_ETL"; GRANT CREATEIN'),
        ((SCHEMA, CREATEIN, SELECT), "create table", 'GRANT CREATETAB ON DATABASE TO USER "SEGMENT"'),
        ((CREATETAB, SCHEMA, SELECT), "create table", "GRANT CREATEIN, DROPIN ON SCHEMA"),
    ],
)
def test_a_right_that_is_missing_is_named(
    orders: Database, grants: tuple[str, ...], step: str, remedy: str
) -> None:
    steps = checked(orders, *grants)
    assert {name for name, each in steps.items() if each.status == "failed"} == {step}
    assert remedy in steps[step].remedy


@pytest.mark.parametrize(
    ("withheld", "step", "remedy"),
    [
        (
            'REVOKE CONNECT ON DATABASE FROM USER "SEGMENT"',
            "login",
            'GRANT CONNECT ON DATABASE TO USER "SEGMENT"',
        ),
        (
            "REVOKE USE OF TABLESPACE USERSPACE1 FROM PUBLIC",
            "create table",
            'GRANT USE OF TABLESPACE TS32K TO USER "SEGMENT"',
        ),
    ],
)
def test_a_right_that_was_taken_away_is_named(
    orders: Database, withheld: str, step: str, remedy: str
) -> None:
    settings = orders.user(USER, CREATETAB, SCHEMA, CREATEIN, SELECT)
    orders.sql(withheld)
    steps = {each.name: each for each in Db2Source("w", settings).check()}
    assert {name for name, each in steps.items() if each.status == "failed"} == {step}
    assert remedy in steps[step].remedy


def test_tables_that_were_not_tried_may_be_those_that_can_be_read(
    orders: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "_TRIED", 1)
    orders.sql("CREATE TABLE A_SECRET (ID BIGINT)")
    steps = checked(orders, CREATETAB, SCHEMA, CREATEIN, SELECT)
    assert steps["read"].status == "warning"
    assert "first 1 of 2" in steps["read"].detail
    assert 'GRANT SELECT ON TABLE "DB2INST1"."A_SECRET"' in steps["read"].remedy
    assert not [each for each in steps.values() if each.status == "failed"]


def test_nothing_is_left_whatever_failed(orders: Database) -> None:
    checked(orders, CREATETAB, SCHEMA, CREATEIN)
    query = "SELECT TABNAME FROM SYSCAT.TABLES WHERE TABSCHEMA = 'SEGMENT_REVERSE_ETL'"
    assert orders.sql(query) == []


@pytest.mark.parametrize(
    ("changes", "step", "says"),
    [
        ({"password": "wrong"}, "login", "password"),
        ({"username": "nobody"}, "login", "password"),
        ({"database": "NOSUCH"}, "login", "database"),
        ({"hostname": "no-such-host.invalid"}, "address", "hostname"),
        ({"hostname": "127.0.0.1"}, "TLS", "hostname"),
    ],
)
def test_a_setting_that_is_wrong_is_named(
    orders: Database, changes: dict[str, str], step: str, says: str
) -> None:
    steps = {each.name: each for each in Db2Source("w", orders.settings(**changes)).check()}
    assert steps[step].status == "failed"
    assert says in steps[step].remedy
    assert "not-a-secret" not in str(steps)


def test_a_certificate_of_somebody_else_is_refused_by_the_check_and_by_the_driver(
    db2: Db2Server, orders: Database
) -> None:
    source = Db2Source("w", orders.settings(tls={"ca": str(db2.other_ca)}))
    steps = {each.name: each for each in source.check()}
    assert steps["TLS"].status == "failed"
    assert "tls.ca" in steps["TLS"].remedy
    with source.session() as session, pytest.raises(SourceError) as caught:
        session.rows("SELECT 1 FROM SYSIBM.SYSDUMMY1")
    assert caught.value.code == "source_tls_failed"


def test_a_host_name_that_is_not_in_the_certificate_is_refused_by_the_driver(orders: Database) -> None:
    by_address = {"hostname": "127.0.0.1"}
    with Db2Source("w", orders.settings(**by_address)).session() as session, pytest.raises(SourceError):
        session.rows("SELECT 1 FROM SYSIBM.SYSDUMMY1")
    lenient = {"tls": {"mode": "verify-ca", "ca": orders.settings()["tls"]["ca"]}}
    with Db2Source("w", orders.settings(**by_address, **lenient)).session() as session:
        assert session.rows("SELECT 1 FROM SYSIBM.SYSDUMMY1") == [(1,)]


@pytest.mark.parametrize(
    ("result", "code", "says"),
    [
        (DEADLOCK, "source_conflict", "run it again"),
        (LOG_FULL, "source_log_full", "LOGSECOND"),
        (TABLE_SPACE_FULL, "source_disk_full", "space"),
        (STOPPED, "source_unavailable", "stopped"),
        (NEEDS_REORG, "source_pending", "REORG"),
        (CANCELLED, "source_cancelled", "run it again"),
    ],
)
def test_what_only_a_busy_server_says_has_its_advice(
    db2: Db2Server, orders: Database, result: Any, code: str, says: str
) -> None:
    with Db2Source("w", orders.settings()).session() as session:
        db2.fail(result, matching="DELETE")

        def change() -> None:
            with session.transaction():
                session.execute("INSERT INTO ORDERS VALUES (2)")
                session.execute("DELETE FROM ORDERS")

        with pytest.raises(SourceError) as caught:
            change()
        assert session.rows("SELECT ID FROM ORDERS") == [(1,)]
        assert caught.value.code == code
        assert says in caught.value.hint


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT * FROM NO_SUCH_TABLE", "source_missing"),
        ("SELECT NO_SUCH_COLUMN FROM ORDERS", "source_missing"),
        ("SELEC 1", "source_failed"),
        ("SELECT NO_SUCH_FUNCTION(1) FROM ORDERS", "source_failed"),
        ("SELECT 1 / 0 FROM ORDERS", "source_failed"),
        ("SELECT CAST('x' AS DATE) FROM ORDERS", "source_failed"),
        ("SELECT CAST('x' AS INTEGER) FROM ORDERS", "source_failed"),
        ("SELECT 2000000000 + 2000000000 FROM ORDERS", "source_failed"),
        ("CREATE TABLE ORDERS (A INTEGER)", "source_exists"),
        ("INSERT INTO NAMED VALUES (1, 'a')", "source_exists"),
        ("INSERT INTO NAMED VALUES (NULL, 'a')", "source_failed"),
        ("INSERT INTO NAMED VALUES (2, 'abcd')", "source_failed"),
    ],
)
def test_a_statement_that_db2_refuses_has_its_advice(orders: Database, statement: str, code: str) -> None:
    orders.sql("CREATE TABLE NAMED (ID BIGINT NOT NULL PRIMARY KEY, NAME VARCHAR(3))")
    orders.sql("INSERT INTO NAMED VALUES (1, 'x')")
    with Db2Source("w", orders.settings()).session() as session:
        run = session.rows if statement.startswith("SELE") else session.execute
        with pytest.raises(SourceError) as caught:
            run(statement)
    assert caught.value.code == code
    assert caught.value.hint
    assert "SQLCODE" in caught.value.message


def test_a_preview_says_which_column_is_there_twice(orders: Database) -> None:
    with pytest.raises(ModelError, match="more than one column named 'id'"):
        Db2Source("w", orders.settings()).preview("SELECT id, id FROM orders", 5)


def test_a_row_that_is_too_wide_for_every_page_has_its_remedy(db2: Db2Server) -> None:
    with db2.database(page_size=8192, extended_rows=False) as database:
        source = Db2Source("w", database.settings())
        with source.session() as session, pytest.raises(SourceError) as caught:
            session.execute("CREATE TABLE WIDE (A VARCHAR(4000), B VARCHAR(4000), C VARCHAR(4000))")
        assert caught.value.code == "source_row_width"
        assert "PAGESIZE 32K" in caught.value.hint
        for page, status in ((8192, "failed"), (32768, "warning")):
            database.page_size = page
            steps = {each.name: each for each in source.check()}
            assert steps["row width"].status == status
            assert "EXTENDED_ROW_SZ" in steps["row width"].remedy
