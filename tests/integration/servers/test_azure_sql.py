"""What the stand-in for a dedicated SQL pool makes of T-SQL: its own refusals, collations, conversions, catalog."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from tests.servers.azure import AzureServer, Pool
from tests.servers.azure.control import Refused

REFUSED = [
    ("SELECT TRUE AS t", "Invalid column name 'TRUE'"),
    ("SELECT 1 AS a LIMIT 1", "103010"),
    ("SELECT a || b AS c FROM t", "103010"),
    ("SELECT a::int AS c FROM t", "103010"),
    ("SELECT a = b AS c FROM t", "103010"),
    ("SELECT a FROM t WHERE flag", "4145"),
    ("SELECT a FROM t WHERE a IS DISTINCT FROM b", "103010"),
    ("SELECT a FROM t ORDER BY a NULLS LAST", "103010"),
    ("SELECT COUNT(*) OVER w AS n FROM t WINDOW w AS (PARTITION BY a)", "103010"),
    ("SELECT a, COUNT(*) AS n FROM t GROUP BY 1", "164"),
    ("SELECT x.a FROM (VALUES (1), (2)) AS x(a)", "103010"),
    ("INSERT INTO t (a) VALUES (N'1'), (N'2')", "103010"),
    ("WITH c AS (SELECT 1 AS a) INSERT INTO t (b) SELECT a FROM c", "103010"),
    ("WITH c AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM c) SELECT a FROM c", "Recursive"),
    ("SELECT a FROM (WITH c AS (SELECT 1 AS a) SELECT a FROM c) AS x", "103010"),
    ("SELECT a FROM (SELECT TOP 10 a FROM t ORDER BY a) AS x WHERE 1 = 1 ORDER BY a NULLS FIRST", "103010"),
    ("SELECT a FROM (SELECT a FROM t ORDER BY a) AS x", "1033"),
    ("SELECT a FROM (SELECT a FROM t)", "103010"),
    ("SELECT x.n FROM (SELECT COUNT(*) FROM t) AS x", "8155"),
    ("SELECT x.a FROM (SELECT a, a FROM t) AS x", "8156"),
    ("SELECT MAX(flag) AS m FROM t", "8117"),
    ("SELECT GREATEST(1, 2) AS g", "'GREATEST' is not a recognized built-in function name"),
    ("SELECT MD5(a) AS m FROM t", "'MD5' is not a recognized"),
    ("DELETE FROM t AS x WHERE x.a = N'1'", "103010"),
    ("DROP TABLE IF EXISTS t", "103010"),
    ("CREATE TABLE n AS SELECT 1 AS a", "DISTRIBUTION"),
    ("CREATE TABLE n WITH (DISTRIBUTION = ROUND_ROBIN) AS SELECT 1", "1038"),
    ("CREATE TABLE n WITH (DISTRIBUTION = ROUND_ROBIN) AS SELECT a FROM t ORDER BY a", "1033"),
    ("CREATE TABLE n (a nvarchar(max))", "cannot participate in a columnstore index"),
    ("CREATE TABLE n (a int PRIMARY KEY)", "104467"),
    ("CREATE TABLE n (a text_of_ours)", "2715"),
    ("CREATE TABLE n (a int) WITH (DISTRIBUTION = HASH(b))", "Invalid column name 'b'"),
    ("DECLARE @x nvarchar(100) = N''; SELECT @x = @x + a FROM t", "104473"),
    ("MERGE INTO t USING (SELECT 1 AS b) AS x ON t.b = x.b WHEN MATCHED THEN DELETE", "10713"),
    ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "READ UNCOMMITTED"),
    ("WAITFOR DELAY '00:00:01'", "103010"),
    ("EXEC sp_rename 't', 'n'", "Could not find stored procedure"),
    ("USE master", "40508"),
    ("SELECT a COLLATE Latin1_General_100_BIN2_UTF8 AS a FROM t", "Latin1_General_100_BIN2_UTF8"),
    (f"SELECT {', '.join(f'{n} AS c{n}' for n in range(4097))}", "1056"),
    (f"CREATE TABLE n ({', '.join(f'c{n} int' for n in range(1025))})", "1702"),
    (f"SELECT CONCAT({', '.join(['a'] * 255)}) AS c FROM t", "2 to 254 arguments"),
    ("CREATE TABLE n (a datetime2(8))", "2715"),
    (
        "CREATE TABLE n (a nvarchar(max)) WITH (DISTRIBUTION = HASH(a), HEAP)",
        "cannot be a distribution column",
    ),
    ("CREATE TABLE ##n (a int)", "104409"),
    ("BEGIN TRANSACTION; BEGIN TRANSACTION", "111217"),
    ("BEGIN TRANSACTION; CREATE STATISTICS s ON t (a)", "111212"),
    ("SAVE TRANSACTION s", "103010"),
    ("KILL 12", "103010"),
    ("CREATE TABLE n (a text)", "2715"),
    ("CREATE TABLE n (a ntext)", "2715"),
    ("CREATE TABLE n (a image)", "2715"),
    ("CREATE TABLE n (a xml)", "2715"),
    ("CREATE TABLE n (a rowversion)", "2715"),
    ("CREATE TABLE n (a hierarchyid)", "2715"),
    ("CREATE TABLE n (a varchar(8001))", "2715"),
    ("CREATE TABLE n (a nvarchar(4001))", "2715"),
    ("CREATE TABLE n (a char(8000), b char(8000))", "1701"),
    ("SELECT CAST(a AS text) AS c FROM t", "Type text is not a defined system type"),
    ("SELECT CAST(1 AS boolean) AS c", "243"),
    ("SELECT CONVERT(image, 0x00) AS c", "243"),
    ("CREATE TABLE n (a int, c int) WITH (DISTRIBUTION = HASH(a, c))", "103010"),
    ("CREATE TABLE n WITH (DISTRIBUTION = HASH(a, b), HEAP) AS SELECT a, b FROM t", "103010"),
    (
        "CREATE TABLE n (a int IDENTITY(1, 1)) WITH (DISTRIBUTION = HASH(a))",
        "cannot be a distribution column",
    ),
    ("CREATE TABLE n (a int) WITH (DISTRIBUTION = HASH)", "103010"),
    ("CREATE TABLE n (a int) WITH (HEAP, CLUSTERED COLUMNSTORE INDEX)", "103010"),
    ("CREATE TABLE n (a int) WITH (CLUSTERED INDEX (b))", "Invalid column name 'b'"),
    ("CREATE TABLE #n (a int) WITH (DISTRIBUTION = REPLICATE)", "cannot be replicated"),
    ("CREATE TABLE n (a int PRIMARY KEY NOT ENFORCED)", "NONCLUSTERED"),
    ("CREATE TABLE n (a int UNIQUE)", "104467"),
    ("CREATE TABLE n (a int REFERENCES t(b))", "103010"),
    ("CREATE TABLE n (a int CHECK (a > 0))", "103010"),
    ("CREATE TABLE n (a int SPARSE)", "103010"),
    ("CREATE TABLE n (a float DEFAULT (RAND()))", "103010"),
    ("CREATE TABLE n (a int, c AS a + 1)", "103010"),
    ("CREATE UNIQUE INDEX i ON t (a)", "103010"),
    ("CREATE TRIGGER i ON t AFTER INSERT AS SELECT 1", "103010"),
    ("CREATE SYNONYM s FOR t", "103010"),
    ("CREATE SEQUENCE s", "103010"),
    ("CREATE TYPE s FROM int", "103010"),
    ("CREATE STATISTICS s ON t (nowhere)", "1911"),
    ("CREATE TABLE #n (a int); CREATE VIEW w AS SELECT a FROM #n", "4508"),
    ("CREATE VIEW w AS SELECT COUNT(*) FROM t", "4511"),
    ("CREATE SCHEMA s CREATE TABLE n (a int)", "103010"),
    ("DROP TABLE t, t", "103010"),
    ("RENAME OBJECT t TO dbo.n", "103010"),
    ("CREATE TABLE #n (a int); RENAME OBJECT #n TO n", "cannot be renamed"),
    ("ALTER TABLE t DROP COLUMN b", "104336"),
    ("BEGIN TRANSACTION named", "103010"),
    ("BEGIN DISTRIBUTED TRANSACTION", "103010"),
    ("BEGIN TRANSACTION; DROP TABLE t", "111212"),
    ("BEGIN TRANSACTION; RENAME OBJECT t TO n", "111212"),
    ("BEGIN TRANSACTION; SELECT a INTO n FROM t", "111212"),
    ("BEGIN TRANSACTION; CREATE TABLE #n (a int)", "111212"),
    ("COMMIT", "111214"),
    ("ROLLBACK", "111214"),
    (
        "MERGE INTO r USING (SELECT 1 AS a) AS x ON r.a = x.a WHEN NOT MATCHED THEN INSERT (a) VALUES (x.a);",
        "104482",
    ),
    ("INSERT INTO t DEFAULT VALUES", "103010"),
    ("UPDATE t AS x SET b = 1", "103010"),
    ("SELECT a FROM master.dbo.t", "40515"),
    ("SELECT a FROM t ORDER BY a OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY", "103010"),
    ("SELECT TOP 10 PERCENT a FROM t", "103010"),
    ("SELECT a FROM t FOR JSON AUTO", "103010"),
    ("SELECT a FROM t FOR XML PATH", "103010"),
    ("SELECT a FROM t TABLESAMPLE (10 PERCENT)", "TABLESAMPLE"),
    ("SELECT a FROM t GROUP BY GROUPING SETS ((a), ())", "103010"),
    ("SELECT a FROM t INTERSECT ALL SELECT a FROM t", "103010"),
    ("SELECT a AS x FROM t WHERE x = N'1'", "Invalid column name 'x'"),
    ("SELECT a AS x, x + N'1' AS y FROM t", "Invalid column name 'x'"),
    ("SELECT q.y FROM (SELECT a AS x, x + N'1' AS y FROM t) AS q", "Invalid column name 'x'"),
    ("SELECT a AS x FROM t GROUP BY x", "Invalid column name 'x'"),
    ("SELECT a AS x FROM t ORDER BY x + N'1'", "Invalid column name 'x'"),
    ("SELECT DISTINCT a FROM t ORDER BY b", "145"),
    ("SELECT ROW_NUMBER() OVER (PARTITION BY a) AS n FROM t", "4112"),
    ("SELECT COUNT(DISTINCT a) OVER (PARTITION BY b) AS n FROM t", "10759"),
    ("SELECT COUNT(DISTINCT a, b) AS n FROM t", "103010"),
    ("SELECT a FROM t WHERE (a, b) IN (SELECT a, b FROM t)", "103010"),
    ("SELECT * EXCEPT (a) FROM t", "103010"),
    ("SELECT a, FROM t", "103010"),
    ("SELECT a FROM t WHERE b == 1", "103010"),
    ("SELECT a FROM t WHERE a SIMILAR TO 'x'", "103010"),
    ("SELECT DATE '2026-01-01' AS d", "103010"),
    ("SELECT CURRENT_DATE AS d", "103010"),
    ("SELECT 1e400 AS f", "168"),
    ("SELECT CONCAT(a) AS c FROM t", "2 to 254 arguments"),
    ("SELECT SUBSTRING(a, 1) AS c FROM t", "requires 3 argument"),
    ("SELECT @@ROWCOUNT AS n", "137"),
    ("SELECT @@IDENTITY AS n", "137"),
    ("SELECT CONNECTIONPROPERTY('net_transport') AS n", "195"),
    ("SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'X') AS n", "195"),
    ("SET DATEFORMAT dmy", "103010"),
    ("EXEC sp_who2", "2812"),
    ("SELECT * FROM duckdb_settings()", "208"),
    ("SELECT nowhere FROM t", "207"),
    ("SELECT a FROM nowhere", "208"),
    ("INSERT INTO t (a) VALUES (N'longer than five')", "2628"),
    ("SELECT CAST('x' AS int) AS i", "245"),
    ("SELECT CAST('2026-02-30' AS date) AS d", "241"),
    ("SELECT 1 / 0 AS x", "8134"),
]


@pytest.fixture(scope="module")
def pool(azure: AzureServer) -> Iterator[Pool]:
    with azure.pool() as pool:
        pool.sql(
            "CREATE TABLE t (a nvarchar(5), b int, flag bit) WITH (DISTRIBUTION = HASH(b), HEAP)",
            "CREATE TABLE r (a int) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)",
        )
        yield pool


def one(pool: Pool, *expressions: str) -> tuple[Any, ...]:
    (row,) = pool.sql("SELECT " + ", ".join(f"{each} AS c{n}" for n, each in enumerate(expressions)))
    return row


@pytest.mark.parametrize(("statement", "words"), REFUSED, ids=[statement[:100] for statement, _ in REFUSED])
def test_what_a_pool_refuses_is_refused(pool: Pool, statement: str, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        pool.sql(statement)
    assert words in str(refusal.value)


def test_a_hash_of_several_columns_needs_an_option_of_the_database(azure_pool: Pool) -> None:
    make = "CREATE TABLE n (a int, b int) WITH (DISTRIBUTION = HASH(a, b))"
    with pytest.raises(Refused, match="103010"):
        azure_pool.sql(make)
    azure_pool.sql("ALTER DATABASE SCOPED CONFIGURATION SET DW_COMPATIBILITY_LEVEL = 50", make)
    assert azure_pool.sql("SELECT a, b FROM n") == []


VALUES = "(SELECT N'a' AS v UNION ALL SELECT N'A' UNION ALL SELECT N'a ' UNION ALL SELECT N'b') AS x"
BINARY = "COLLATE Latin1_General_100_BIN2"


def test_the_default_collation_ignores_case_and_trailing_blanks(pool: Pool) -> None:
    assert pool.sql(f"SELECT COUNT(*) FROM {VALUES} WHERE v = 'A'") == [(3,)]
    assert pool.sql(f"SELECT COUNT(DISTINCT v) FROM {VALUES}") == [(2,)]
    assert sorted(n for (n,) in pool.sql(f"SELECT COUNT(*) AS n FROM {VALUES} GROUP BY v")) == [1, 3]
    assert len(pool.sql(f"SELECT DISTINCT v FROM {VALUES}")) == 2
    assert pool.sql(f"SELECT COUNT(*) FROM {VALUES} JOIN (SELECT 'A' AS w) AS y ON y.w = x.v") == [(3,)]
    rows = pool.sql(f"SELECT COUNT(*) OVER (PARTITION BY v) AS n FROM {VALUES}")
    assert sorted(n for (n,) in rows) == [1, 3, 3, 3]
    assert pool.sql(f"SELECT COUNT(*) FROM {VALUES} WHERE v IN ('B', 'c') OR v LIKE 'A'") == [(3,)]


def test_zero_bytes_at_the_end_count_for_nothing_where_bytes_are_compared(pool: Pool) -> None:
    pool.sql("CREATE TABLE b (v varbinary(8), w varbinary(8)) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)")
    pool.sql("INSERT INTO b SELECT 0x01, 0x0100 UNION ALL SELECT 0x0100, 0x0001 UNION ALL SELECT 0x10, 0x01")
    assert pool.sql("SELECT COUNT(*) FROM b WHERE v = w") == [(1,)]
    assert pool.sql("SELECT COUNT(*) FROM b WHERE v = 0x01") == [(2,)]
    assert pool.sql("SELECT CASE WHEN CAST(0x00 AS varbinary(8)) = CAST(0x AS varbinary(8)) THEN 1 END") == [
        (1,)
    ]


def test_a_binary_collation_ignores_trailing_blanks_alone(pool: Pool) -> None:
    assert pool.sql(f"SELECT COUNT(*) FROM {VALUES} WHERE v {BINARY} = 'a'") == [(2,)]
    assert pool.sql(f"SELECT COUNT(DISTINCT v {BINARY}) FROM {VALUES}") == [(3,)]
    pool.sql(f"CREATE TABLE k (v nvarchar(5) {BINARY}) WITH (DISTRIBUTION = HASH(v), HEAP)")
    pool.sql(f"INSERT INTO k SELECT v FROM {VALUES}")
    assert pool.sql("SELECT COUNT(*) FROM (SELECT v FROM k) AS y WHERE v = N'A'") == [(1,)]
    assert pool.sql("SELECT TOP 1 v FROM k ORDER BY v") == [("A",)]


def test_what_the_code_page_lacks_is_lost_without_n(pool: Pool) -> None:
    assert one(pool, "'é€'", "'🦦'", "CAST(N'🦦x' AS varchar(9))", "N'🦦'") == ("é€", "??", "??x", "🦦")


def test_digests_are_those_of_the_bytes(pool: Pool) -> None:
    row = one(
        pool,
        "HASHBYTES('SHA2_256', N'é🦦')",
        "HASHBYTES('SHA2_256', 'é')",
        "HASHBYTES('SHA2_256', 0x00FF)",
        "CONVERT(varchar(64), HASHBYTES('SHA2_256', CONCAT(N'a', 1)), 2)",
    )
    assert row == (
        hashlib.sha256("é🦦".encode("utf-16-le")).digest(),
        hashlib.sha256(b"\xe9").digest(),
        hashlib.sha256(b"\x00\xff").digest(),
        hashlib.sha256("a1".encode("utf-16-le")).hexdigest().upper(),
    )


CONVERSIONS = [
    ("CAST(1.7 AS int)", 1),
    ("CAST(-1.7 AS int)", -1),
    ("7 / 2", 3),
    ("CAST(N'abcdef' AS nvarchar(3))", "abc"),
    ("CAST(REPLICATE(N'x', 40) AS nvarchar)", "x" * 30),
    ("CONVERT(nvarchar(40), CAST(0.1 AS float), 3)", "1.0000000000000001e-001"),
    ("CAST(CAST(1.50 AS decimal(9,4)) AS varchar(20))", "1.5000"),
    ("CONVERT(varchar(40), CAST('2026-01-02 03:04:05.6' AS datetime2(3)), 126)", "2026-01-02T03:04:05.600"),
    ("CONVERT(varchar(40), CAST('2026-01-02' AS date), 112)", "20260102"),
    ("CAST(CAST('6f9619ff-8b86-d011-b42d-00c04fc964ff' AS uniqueidentifier) AS char(36))",
     "6F9619FF-8B86-D011-B42D-00C04FC964FF"),
    ("CONVERT(varchar(8), 0x01FF, 1)", "0x01FF"),
    ("CAST(0x0102 AS int)", 258),
    ("TRY_CAST('x' AS int)", None),
    ("CONCAT(N'a', NULL, 1)", "a1"),
    ("N'a' + NULL", None),
    ("ISNULL(NULLIF(N'x', N'X '), N'equal')", "equal"),
    ("LEN(N'ab  ')", 2),
    ("DATALENGTH(N'ab  ')", 8),
    ("DATALENGTH('ab  ')", 4),
    ("LEN(N'🦦')", 2),
    ("SUBSTRING(N'abc', 2, 10)", "bc"),
    ("CHARINDEX(N'C', N'abc')", 3),
    ("REPLACE(N'aXa', N'x', N'-')", "a-a"),
    ("STUFF(N'abc', 2, 1, N'--')", "a--c"),
    ("DATEADD(second, 90, CAST('2026-01-01' AS datetime2(0)))", datetime(2026, 1, 1, 0, 1, 30)),
    ("DATEDIFF(hour, '2026-01-01 00:59', '2026-01-01 01:00')", 1),
    ("CASE WHEN EXISTS (SELECT CAST(NULL AS int) INTERSECT SELECT CAST(NULL AS int)) THEN 1 ELSE 0 END", 1),
    ("SERVERPROPERTY('EngineEdition')", 6),
    ("DATABASEPROPERTYEX(DB_NAME(), 'Edition')", "DataWarehouse"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "value"), CONVERSIONS, ids=[expression for expression, _ in CONVERSIONS]
)
def test_expressions_have_the_values_of_t_sql(pool: Pool, expression: str, value: object) -> None:
    assert one(pool, expression) == (value,)


def test_a_table_made_by_a_query_has_the_types_of_its_columns(azure_pool: Pool) -> None:
    azure_pool.sql(
        "CREATE TABLE s (id bigint NOT NULL, t nvarchar(20), m nvarchar(max)) WITH (DISTRIBUTION = HASH(id), HEAP)",
        "CREATE TABLE c WITH (DISTRIBUTION = HASH(id), HEAP) AS SELECT x.*, ISNULL(t, N'') AS f, CAST(1 AS bit) AS g,"
        " CONCAT(t, N'!') AS e FROM (SELECT * FROM s) AS x OPTION (LABEL = 'made here')",
    )
    columns = azure_pool.sql(
        "SELECT c.name, t.name, c.max_length, c.is_nullable FROM sys.columns AS c"
        " JOIN sys.types AS t ON t.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID('dbo.c')"
        " ORDER BY c.column_id"
    )
    assert columns == [
        ("id", "bigint", 8, False),
        ("t", "nvarchar", 40, True),
        ("m", "nvarchar", -1, True),
        ("f", "nvarchar", 40, False),
        ("g", "bit", 1, False),
        ("e", "nvarchar", 42, True),
    ]


def test_changes_with_joins(azure_pool: Pool) -> None:
    azure_pool.sql(
        "CREATE TABLE t (id int, v nvarchar(9)) WITH (DISTRIBUTION = HASH(id), HEAP)",
        "INSERT INTO t SELECT 1, N'a' UNION ALL SELECT 2, N'b' UNION ALL SELECT 3, N'c'",
        "UPDATE t SET v = s.v FROM t AS r INNER JOIN (SELECT 2 AS id, N'B' AS v) AS s ON s.id = r.id",
        "UPDATE t SET v = s.v FROM (SELECT 3 AS id, N'C' AS v) AS s WHERE t.id = s.id",
        "DELETE FROM t FROM t AS r INNER JOIN (SELECT 1 AS id) AS s ON s.id = r.id",
        "INSERT INTO t VALUES (9, N'z')",
        "DELETE t WHERE id = 9",
        "UPDATE STATISTICS t",
        "MERGE INTO t USING (SELECT 3 AS id, N'm' AS v UNION ALL SELECT 4, N'n') AS s ON t.id = s.id"
        " WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, s.v);",
    )
    assert azure_pool.sql("SELECT id, v FROM t ORDER BY id") == [(2, "B"), (3, "m"), (4, "n")]


def test_tables_are_altered_renamed_and_dropped(azure_pool: Pool) -> None:
    azure_pool.sql(
        "CREATE SCHEMA s",
        "CREATE TABLE s.t (id int, v nvarchar(9)) WITH (DISTRIBUTION = HASH(id), HEAP)",
        "INSERT INTO s.t VALUES (1, N'a')",
        "ALTER TABLE s.t ADD n bigint NULL",
        "ALTER TABLE s.t ALTER COLUMN v nvarchar(max) NULL",
        "RENAME OBJECT s.t TO t2",
    )
    assert azure_pool.sql("SELECT id, v, n FROM s.t2") == [(1, "a", None)]
    azure_pool.sql(
        "ALTER TABLE s.t2 DROP COLUMN n", "IF OBJECT_ID('s.t2') IS NOT NULL DROP TABLE s.t2", "DROP SCHEMA s"
    )
    assert azure_pool.sql("SELECT name FROM sys.tables") == []
    with pytest.raises(Refused, match="3701"):
        azure_pool.sql("DROP TABLE t2")
