"""The stand-in for a dedicated SQL pool on the wire, seen by Microsoft's driver."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import mssql_python
import pytest
from tests.integration.servers.azure_client import connect, refused, run
from tests.servers.azure import Pool

VALUES = [
    ("CAST(255 AS tinyint)", 255),
    ("CAST(-32768 AS smallint)", -32768),
    ("CAST(-2147483648 AS int)", -(2**31)),
    ("CAST(9223372036854775807 AS bigint)", 2**63 - 1),
    ("CAST(1 AS bit)", True),
    ("CAST(0.1 AS float)", 0.1),
    ("CAST(2.5 AS real)", 2.5),
    (
        "CAST('-9999999999999999999999999999.9999999999' AS decimal(38,10))",
        Decimal("-" + "9" * 28 + "." + "9" * 10),
    ),
    ("CAST(-4.5 AS money)", Decimal("-4.5")),
    ("CAST('2026-02-28' AS date)", date(2026, 2, 28)),
    ("CAST('0001-01-01' AS date)", date(1, 1, 1)),
    ("CAST('10:11:12.123456' AS time(6))", time(10, 11, 12, 123456)),
    ("CAST('2026-01-02T03:04:05.123456' AS datetime2(6))", datetime(2026, 1, 2, 3, 4, 5, 123456)),
    ("CAST('2026-01-02T03:04:05' AS datetime)", datetime(2026, 1, 2, 3, 4, 5)),
    (
        "CAST('2026-07-01 00:00:00.500000 +02:00' AS datetimeoffset(6))",
        datetime(2026, 6, 30, 22, 0, 0, 500000, UTC),
    ),
    (
        "CAST('6F9619FF-8B86-D011-B42D-00C04FC964FF' AS uniqueidentifier)",
        UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff"),
    ),
    ("N'🦦 é'", "🦦 é"),
    ("CAST(N'x' AS nvarchar(max))", "x"),
    ("CAST(N'' AS nvarchar(max))", ""),
    ("CAST('ab' AS char(4))", "ab  "),
    ("0x0001FF", b"\x00\x01\xff"),
    ("CAST(0x AS varbinary(max))", b""),
]


@pytest.mark.parametrize("strict", [False, True], ids=["TDS 7.4", "TDS 8.0"])
def test_a_client_logs_in_over_tls_and_runs_a_query(azure_pool: Pool, strict: bool) -> None:
    with connect(azure_pool, strict=strict) as connection:
        assert run(connection, "SELECT 1 AS one, N'zwei' AS two") == [(1, "zwei")]
    assert azure_pool.statements[0] == "SELECT 1 AS one, N'zwei' AS two"


@pytest.mark.parametrize(("expression", "value"), VALUES)
def test_values_of_every_type_arrive(azure_pool: Pool, expression: str, value: object) -> None:
    with connect(azure_pool) as connection:
        assert run(connection, f"SELECT {expression} AS v, NULLIF(1, 1) AS n") == [(value, None)]


def test_columns_are_described_as_they_were_declared(azure_pool: Pool) -> None:
    azure_pool.sql(
        "CREATE TABLE t (a nvarchar(30) NOT NULL, b varchar(max), c decimal(9,2), d bit)"
        " WITH (DISTRIBUTION = HASH(a), HEAP)"
    )
    with connect(azure_pool) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT x.* FROM (SELECT a, b, c, d FROM t) AS x")
        described = [(each[0], each[1], each[4], each[6]) for each in cursor.description]
    assert described == [
        ("a", str, 30, False),
        ("b", str, 0, True),
        ("c", Decimal, 9, True),
        ("d", bool, 1, True),
    ]


def test_parameters_prepared_once_and_run_many_times(azure_pool: Pool) -> None:
    azure_pool.sql("CREATE TABLE t (id int, name nvarchar(50)) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)")
    with connect(azure_pool) as connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (?, ?)", [(n, f"é{n}") for n in range(50)])
        cursor.execute("SELECT name FROM t WHERE id = ?", (7,))
        assert cursor.fetchval() == "é7"
        cursor.execute("UPDATE t SET name = ? WHERE id < ?", (None, 10))
        assert cursor.rowcount == 10
        cursor.execute("SELECT COUNT(*) FROM t WHERE name IS NULL")
        assert cursor.fetchval() == 10


def test_a_batch_gives_every_result(azure_pool: Pool) -> None:
    with connect(azure_pool) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 AS a; SELECT 2 AS b")
        first = cursor.fetchval()
        assert cursor.nextset()
        assert (first, cursor.fetchval()) == (1, 2)


def test_arrow_reads_many_rows(azure_pool: Pool) -> None:
    digits = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
    query = (
        f"SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n, CONCAT(N'name ', a.d) AS t,"
        f" CASE WHEN a.d = 3 THEN NULL ELSE CAST(a.d AS float) END AS f"
        f" FROM ({digits}) AS a, ({digits}) AS b, ({digits}) AS c, ({digits}) AS e"
    )
    with connect(azure_pool) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        batches = list(cursor.arrow_reader(1000))
    assert sorted(n for batch in batches for n in batch.column("n").to_pylist()) == list(range(10_000))
    assert sum(batch.column("f").null_count for batch in batches) == 1000


ENDLESS = "SELECT COUNT(*) FROM {0} AS a, {0} AS b, {0} AS c, {0} AS d WHERE a.n + b.n + c.n + d.n < 0"


def test_a_timeout_stops_the_statement_and_leaves_the_connection_usable(azure_pool: Pool) -> None:
    azure_pool.sql(
        "CREATE TABLE t (n int) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)", "INSERT INTO t VALUES (1)"
    )
    for _ in range(11):
        azure_pool.sql("INSERT INTO t SELECT n + 1 FROM t")
    with connect(azure_pool) as connection:
        connection.timeout = 1
        with pytest.raises(mssql_python.Error, match=r"[Tt]imeout"):
            run(connection, ENDLESS.format("t"))
        assert run(connection, "SELECT 1 AS one") == [(1,)]


def test_a_held_statement_can_be_killed_by_its_session(azure_pool: Pool) -> None:
    held = azure_pool.server.faults.hold("held")
    caught: list[BaseException] = []
    with connect(azure_pool) as victim, connect(azure_pool) as other:
        ((session,),) = run(victim, "SELECT SESSION_ID() AS s")

        def query() -> None:
            try:
                run(victim, "SELECT 'held' AS h")
            except mssql_python.Error as error:
                caught.append(error)

        thread = threading.Thread(target=query)
        thread.start()
        held.reached()
        run(other, f"KILL '{session}'")
        thread.join(60)
    assert len(caught) == 1
    assert "kill state" in str(caught[0])
    assert session not in {f"SID{each['id']}" for each in azure_pool.sessions()}


def test_wrong_logins_are_told_apart(azure_pool: Pool) -> None:
    azure_pool.server.sql("CREATE LOGIN nobody_here WITH PASSWORD = 'Sec-ret1'")
    try:
        with pytest.raises(mssql_python.Error, match="Login failed for user 'tailrace_admin'"):
            connect(azure_pool, password="wrong")
        with pytest.raises(mssql_python.Error, match='Cannot open database "nowhere" requested by the login'):
            connect(azure_pool, database="nowhere")
        with pytest.raises(mssql_python.Error, match="Cannot open database"):
            connect(azure_pool, user="nobody_here", password="Sec-ret1")
    finally:
        azure_pool.server.sql("DROP LOGIN nobody_here")


def test_unknown_procedures_and_handles_are_refused(azure_pool: Pool) -> None:
    with connect(azure_pool) as connection:
        refused(connection, "EXEC sp_who2", "Could not find stored procedure")
        refused(connection, "KILL 51", "Parse error")
