"""What a pool refuses by itself, through the driver: each error of the table is told by its number, with its advice."""

from __future__ import annotations

import contextlib

import pytest
from tests.servers.azure import Pool

from tailrace.errors import SourceError, TailraceError
from tailrace.sources.azure.error_table import FAULTS
from tailrace.sources.azure.source import AzureSource

READER = {"username": "reader", "password": "choose-a-Long-1-here"}
MADE = "CREATE TABLE {} (a nvarchar(9), b int) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)"
OURS = [
    (207, "SELECT nowhere FROM t"),
    (208, "SELECT a FROM nowhere"),
    (241, "SELECT CAST('2026-02-30' AS date) AS d"),
    (245, "SELECT CAST('x' AS int) AS i"),
    (2760, MADE.format("nowhere.n")),
    (8115, "SELECT CAST(300 AS tinyint) AS i"),
    (8120, "SELECT a, b FROM t GROUP BY a"),
    (8134, "SELECT b / 0 AS x FROM (SELECT 1 AS b) AS y"),
    (15151, "DROP SCHEMA nowhere"),
    (103010, "SELECT a FROM t LIMIT 1"),
    (104409, "SELECT a COLLATE Latin1_General_100_BIN2_UTF8 AS a FROM t"),
    (104473, "DECLARE @x nvarchar(99) = N''; SELECT @x = @x + a FROM t"),
    (111214, "COMMIT TRANSACTION"),
]
THEIRS = [
    (229, "SELECT a FROM t", "GRANT SELECT ON [dbo].[t] TO"),
    (262, MADE.format("n"), "GRANT CREATE TABLE TO"),
    (262, "CREATE SCHEMA s", "GRANT CREATE SCHEMA TO"),
    (15247, "EXEC sp_addrolemember 'db_owner', 'reader'", "tailrace grants"),
]


def refused(source: AzureSource, *statements: str) -> TailraceError:
    """What the last of the statements ends in; those before it may fail, too."""
    *before, last = statements
    with source.session() as session:
        for statement in before:
            with contextlib.suppress(SourceError):
                session.execute(statement)
        with pytest.raises(SourceError) as caught:
            session.execute(last)
    return caught.value


@pytest.mark.parametrize(("number", "statement"), OURS)
def test_what_a_pool_refuses_is_told_by_its_number(azure_pool: Pool, number: int, statement: str) -> None:
    azure_pool.sql(MADE.format("t"))
    error = refused(AzureSource("w", azure_pool.settings()), statement)
    assert str(number) in error.message
    assert (error.code, error.hint) == (FAULTS[number].code, FAULTS[number].hint)


@pytest.mark.parametrize(
    ("number", "statements"),
    [
        (111212, ["BEGIN TRANSACTION", MADE.format("n")]),
        (111233, ["BEGIN TRANSACTION", "SELECT nowhere FROM t", "SELECT a FROM t"]),
    ],
)
def test_what_transactions_do_not_permit_is_told(
    azure_pool: Pool, number: int, statements: list[str]
) -> None:
    azure_pool.sql(MADE.format("t"))
    error = refused(AzureSource("w", azure_pool.settings()), *statements)
    assert str(number) in error.message
    assert error.hint == FAULTS[number].hint


@pytest.mark.parametrize(("number", "statement", "grant"), THEIRS)
def test_a_right_that_is_missing_is_told_with_its_grant(
    azure_pool: Pool, number: int, statement: str, grant: str
) -> None:
    azure_pool.sql(MADE.format("t"))
    azure_pool.server.sql(
        "IF NOT EXISTS (SELECT * FROM sys.sql_logins WHERE name = N'reader')"
        f" CREATE LOGIN reader WITH PASSWORD = '{READER['password']}'"
    )
    azure_pool.sql("CREATE USER reader FOR LOGIN reader")
    error = refused(AzureSource("w", azure_pool.settings(**READER)), statement)
    assert str(number) in error.message
    assert error.code == "source_permission"
    assert grant in error.hint
