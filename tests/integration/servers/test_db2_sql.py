"""Db2's SQL through IBM's driver and the stand-in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.integration.servers.db2_client import Client, Failed
from tests.servers.db2 import Database, Db2Server


@pytest.fixture(scope="module")
def database(db2: Db2Server) -> Iterator[Database]:
    with db2.database() as database:
        database.sql(
            "CREATE SCHEMA S",
            "CREATE TABLE S.T (I INTEGER NOT NULL PRIMARY KEY, V VARCHAR(40 OCTETS), B VARBINARY(10), C CHAR(5))",
            "INSERT INTO S.T VALUES (1, 'Žluťoučký 😀', X'00FF', 'ab'), (2, NULL, NULL, NULL)",
        )
        yield database


@pytest.fixture(scope="module")
def client(database: Database) -> Iterator[Client]:
    with Client(database.settings(tls=None)) as client:
        yield client


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("VALUES 1", 1),
        ("VALUES CASE WHEN 1 = 1 THEN 'added' ELSE 'updated' END || '|'", "added|"),
        ("VALUES HEX(HASH('abc', 2))", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"),
        ("SELECT HEX(HASH(B, 2)) FROM S.T WHERE I = 1", "06EB7D6A69EE19E5FBDF749018D3D2ABFA04BCBD1365DB312EB86DC7169389B8"),
        ("SELECT HEX(V) FROM S.T WHERE I = 1", "Žluťoučký 😀".encode().hex().upper()),
        ("SELECT OCTET_LENGTH(V) FROM S.T WHERE I = 1", 18),
        ("SELECT CHARACTER_LENGTH(V, CODEUNITS32) FROM S.T WHERE I = 1", 11),
        ("SELECT SUBSTRING(V, 1, 4, CODEUNITS32) FROM S.T WHERE I = 1", "Žluť"),
        ("SELECT V FROM S.T WHERE I = 1", "Žluťoučký 😀"),
        ("VALUES CAST(12 AS VARCHAR(20)) || CAST(1.50 AS VARCHAR(20))", "121.50"),
        ("VALUES RTRIM(LTRIM('  x\t', ' \t'), ' \t')", "x"),
        ("VALUES LOCATE(SUBSTR(HEX(HASH('a', 2)), 1, 1), '0123456789ABCDEF')", 13),
        ("VALUES VARCHAR_FORMAT(TIMESTAMP('2024-01-02 03:04:05.123456'), 'YYYY-MM-DD HH24:MI:SS.FF6')",
         "2024-01-02 03:04:05.123456"),
        ("VALUES TIMESTAMP('2024-01-02 03:04:05.123456') + 90 SECONDS", "2024-01-02 03:05:35.123456"),
        ("VALUES (TIMESTAMP('2024-01-02 03:04:05') + -1000000 MICROSECONDS)", "2024-01-02 03:04:04"),
        ("VALUES VARCHAR_FORMAT(CAST(DATE('2024-01-02') AS TIMESTAMP), 'YYYYMMDD')", "20240102"),
        ("VALUES FLOOR(7 / 2.0) * 100 + FLOOR(-1.5)", 298),
        ("SELECT COUNT(*) FROM (VALUES 1, 2, 3) AS R(A) GROUP BY FLOOR((R.A - 1) / 8.0)", 3),
        ("VALUES REGEXP_REPLACE('a1b22', '[0-9]+', '#')", "a#b#"),
        ("VALUES CURRENT SERVER || CURRENT USER", None),
        ("WITH A AS (SELECT I FROM S.T), B(N) AS (SELECT COUNT(*) FROM A) SELECT N FROM B", 2),
        ("SELECT B FROM (VALUES (1, 'x'), (2, NULL)) AS R(A, B) WHERE A = 2 OR A = 1 ORDER BY A LIMIT 1", "x"),
        ("SELECT I FROM S.T WHERE V LIKE 'Ž%' ESCAPE '+' WITH UR", 1),
        ("SELECT 'it''s -- no /* comment */' FROM SYSIBM.SYSDUMMY1 /* a /* b */ c */ -- end", "it's -- no /* comment */"),
        ("SELECT SERVICE_LEVEL FROM SYSIBMADM.ENV_INST_INFO", "Tailrace's stand-in for Db2 (Apache Derby 10.14)"),
    ],
)  # fmt: skip
def test_an_expression_has_the_value_that_db2_gives_it(
    client: Client, database: Database, query: str, value: object
) -> None:
    ((found,),) = client.sql(query)
    assert found == (f"{database.name}DB2INST1" if value is None else value)


def test_a_change_reads_derived_tables_in_its_subqueries(client: Client, database: Database) -> None:
    some = "(SELECT S.K, MAX(S.N) AS N FROM S.CHANGED_BY AS S GROUP BY S.K)"
    client.sql(
        "CREATE TABLE S.CHANGED (K INTEGER, N INTEGER)", "CREATE TABLE S.CHANGED_BY (K INTEGER, N INTEGER)"
    )
    client.sql("INSERT INTO S.CHANGED_BY VALUES (1, 10), (1, 11), (2, 20), (3, 30)")
    client.sql(
        f"INSERT INTO S.CHANGED SELECT K, 0 FROM S.CHANGED_BY AS B WHERE EXISTS (SELECT 1 FROM {some} AS C WHERE C.N = B.N)"
    )
    client.sql(
        f"UPDATE S.CHANGED AS T SET (N) = (SELECT C.N FROM {some} AS C WHERE C.K = T.K)"
        f" WHERE EXISTS (SELECT 1 FROM {some} AS C WHERE C.K = T.K AND C.K < 3)"
    )
    assert client.sql("SELECT K, N FROM S.CHANGED ORDER BY K") == [[1, 11], [2, 20], [3, 0]]
    twenty = f"(SELECT C.K FROM {some} AS C WHERE C.N = 20)"
    assert client.count(f"DELETE FROM S.CHANGED AS T WHERE T.K IN {twenty}") == 1
    with pytest.raises(Failed) as missing:
        client.sql(f"DELETE FROM S.CHANGED WHERE EXISTS (SELECT 1 FROM {some.replace('.N)', '.X)')} AS C)")
    assert missing.value.code == -206
    assert client.sql("SELECT K, N FROM S.CHANGED ORDER BY K") == [[1, 11], [3, 0]]
    assert not database.sql("SELECT TABLENAME FROM SYS.SYSTABLES WHERE TABLENAME LIKE 'ONCE%'")


def test_the_clock_has_microseconds_and_stands_still_within_a_statement(client: Client) -> None:
    one, other, differs = client.sql(
        "SELECT CURRENT TIMESTAMP, CURRENT TIMESTAMP - CURRENT TIMEZONE, COUNT(DISTINCT CURRENT TIMESTAMP) FROM S.T"
    )[0]
    assert (one, differs) == (other, 1)


def test_a_statement_may_be_longer_than_a_segment_of_the_protocol(client: Client) -> None:
    pieces = ["ž" * 900 + str(number) for number in range(100)]
    query = "SELECT " + ", ".join(f"'{piece}'" for piece in pieces) + " FROM SYSIBM.SYSDUMMY1"
    assert len(query.encode()) > 150_000
    assert client.sql(query) == [pieces]


def test_a_result_of_many_blocks_arrives_whole_though_others_commit_meanwhile(client: Client) -> None:
    client.sql(
        "CREATE TABLE S.MANY (I INTEGER GENERATED ALWAYS AS IDENTITY (START WITH 1, NO CYCLE), V VARCHAR(200))"
    )
    client.many("INSERT INTO S.MANY (V) VALUES (?)", [[f"{number:0200}"] for number in range(500)])
    client.sql(*["INSERT INTO S.MANY (V) SELECT V FROM S.MANY"] * 3)
    rows = client.sql("SELECT I, V FROM S.MANY")
    assert sorted(row[0] for row in rows) == list(range(1, 4001))


def test_a_table_is_marked_renamed_and_altered_with_its_columns_in_order(client: Client) -> None:
    client.sql(
        "CREATE TABLE S.\"Plan\" AS (SELECT I, 'added' AS OP, V FROM S.T) WITH NO DATA",
        "COMMENT ON TABLE S.\"Plan\" IS 'tailrace:1'",
        'RENAME TABLE S."Plan" TO PLAN2',
        "ALTER TABLE S.PLAN2 ALTER COLUMN OP SET DATA TYPE VARCHAR(4000) ADD COLUMN X BIGINT",
        "INSERT INTO S.PLAN2 SELECT I, 'deleted', V, 7 FROM S.T",
    )
    catalog = "SELECT COLNAME, TYPENAME, LENGTH, NULLS FROM SYSCAT.COLUMNS WHERE TABSCHEMA = 'S' AND TABNAME = 'PLAN2'"
    assert client.sql(f"{catalog} ORDER BY COLNO") == [
        ["I", "INTEGER", 4, "N"],
        ["OP", "VARCHAR", 4000, "N"],
        ["V", "VARCHAR", 40, "Y"],
        ["X", "BIGINT", 8, "Y"],
    ]
    assert client.sql("SELECT REMARKS FROM SYSCAT.TABLES WHERE TABNAME = 'PLAN2'") == [["tailrace:1"]]
    assert client.sql("SELECT DISTINCT OP FROM S.PLAN2") == [["deleted"]]


def test_rows_that_a_left_join_found_are_numbered_as_they_are_inserted(client: Client) -> None:
    client.sql("CREATE TABLE S.NUMBERED (OP VARCHAR(400), N BIGINT)")
    counted = "LEFT JOIN (SELECT I, COUNT(*) AS N FROM S.T GROUP BY I) AS C ON C.I = T.I"
    found = f"SELECT T.V, C.N FROM S.T AS T {counted} WHERE T.I < 3"
    named = f"SELECT CASE WHEN M.N > 1 THEN 'repeated' ELSE 'once' END AS OP FROM ({found}) AS M"
    client.sql(f"INSERT INTO S.NUMBERED SELECT R.OP, ROW_NUMBER() OVER () FROM ({named}) AS R")
    assert client.sql("SELECT OP, N FROM S.NUMBERED ORDER BY N") == [["once", 1], ["once", 2]]


def test_several_columns_are_set_from_one_subquery(client: Client) -> None:
    client.sql("CREATE TABLE S.U (I INTEGER, V VARCHAR(40), C CHAR(5))", "INSERT INTO S.U (I) VALUES 1, 3")
    found = "FROM S.T AS T WHERE T.I = U.I"
    changed = client.count(
        f"UPDATE S.U AS U SET (V, C) = (SELECT T.V || '!', 'x' {found}) WHERE EXISTS (SELECT 1 {found})"
    )
    assert changed == 1
    assert client.sql("SELECT V, C FROM S.U ORDER BY I") == [["Žluťoučký 😀!", "x    "], [None, None]]


def test_a_temporary_table_is_the_sessions_own(client: Client, database: Database) -> None:
    declare = (
        "DECLARE GLOBAL TEMPORARY TABLE SESSION.STAGE (K VARCHAR(20), N BIGINT)"
        " ON COMMIT PRESERVE ROWS NOT LOGGED WITH REPLACE"
    )
    client.sql(declare, "INSERT INTO SESSION.STAGE SELECT V, I FROM S.T")
    assert client.sql("SELECT COUNT(*) FROM SESSION.STAGE") == [[2]]
    client.sql(declare)
    assert client.sql("SELECT COUNT(*) FROM SESSION.STAGE") == [[0]]
    with Client(database.settings(tls=None)) as other, pytest.raises(Failed) as caught:
        other.sql("SELECT * FROM SESSION.STAGE")
    assert caught.value.code == -204


def test_truncate_is_the_first_statement_of_its_unit_of_work(database: Database) -> None:
    database.sql("CREATE TABLE S.EMPTIED (I INTEGER)", "INSERT INTO S.EMPTIED VALUES 1")
    with Client(database.settings(tls=None), autocommit=False) as client:
        client.sql("INSERT INTO S.EMPTIED VALUES 2")
        with pytest.raises(Failed, match="SQL0428N"):
            client.sql("TRUNCATE TABLE S.EMPTIED IMMEDIATE")
        client.commit()
        client.sql("TRUNCATE TABLE S.EMPTIED IMMEDIATE")
        client.commit()
    assert database.sql("SELECT COUNT(*) FROM S.EMPTIED") == [(0,)]


def test_a_table_whose_column_was_dropped_wants_to_be_reorganized(client: Client) -> None:
    client.sql("CREATE TABLE S.REORG (I INTEGER, J INTEGER)", "ALTER TABLE S.REORG DROP COLUMN J")
    with pytest.raises(Failed, match=r'SQL0668N .* reason code "7"'):
        client.sql("INSERT INTO S.REORG VALUES 1")
    client.sql("CALL SYSPROC.ADMIN_CMD('REORG TABLE S.REORG')", "INSERT INTO S.REORG VALUES 1")
    assert client.sql("SELECT I FROM S.REORG") == [[1]]


def test_a_rollback_undoes_rows_and_tables(database: Database) -> None:
    with Client(database.settings(tls=None), autocommit=False) as client:
        client.sql("INSERT INTO S.T (I) VALUES 99", "CREATE TABLE S.UNDONE (I INTEGER)")
        client.rollback()
        assert client.sql("SELECT COUNT(*) FROM S.T WHERE I = 99") == [[0]]
        with pytest.raises(Failed, match=r'SQL0204N  "S\.UNDONE" is an undefined name'):
            client.sql("SELECT * FROM S.UNDONE")


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELEC 1", -104),
        ("SELECT * FROM (WITH A AS (SELECT I FROM S.T) SELECT * FROM A) AS X", -104),
        ("SELECT * FROM S.NOPE", -204),
        ("SELECT * FROM NOPE.NOPE", -204),
        ("DROP TABLE S.NOPE", -204),
        ("SELECT NOPE FROM S.T", -206),
        ("VALUES NOPE(1)", -440),
        ("CREATE TABLE S.T (I INTEGER)", -601),
        ("CREATE SCHEMA S", -601),
        ("INSERT INTO S.T (I) VALUES 1", -803),
        ("INSERT INTO S.T (V) VALUES 'x'", -407),
        (f"INSERT INTO S.T (I, V) VALUES (5, '{'x' * 41}')", -433),
        ("VALUES 1 / 0", -801),
        ("VALUES CAST('x' AS INTEGER)", -420),
        ("VALUES CAST(1E10 AS INTEGER)", -413),
        ("VALUES DATE('nonsense')", -181),
        ("DROP SCHEMA S RESTRICT", -478),
    ],
)
def test_an_error_has_db2s_code(client: Client, statement: str, code: int) -> None:
    with pytest.raises(Failed) as caught:
        client.sql(statement)
    assert caught.value.code == code


def test_what_may_be_missing_is_no_error(client: Client) -> None:
    client.sql("DROP TABLE IF EXISTS S.NOPE", "CREATE TABLE IF NOT EXISTS S.T (I INTEGER)")
