"""Reads a table of a SQL pool through Tailrace and by Microsoft's Arrow reader alone, in turn, in one run.

`python -m bench.azure [ROWS]`. Against the stand-in, so the figures say what our side costs, and nothing of Azure's.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.servers.azure import AzureServer

from bench.machine import machine
from bench.measure import middle
from tailrace.clock import SystemClock
from tailrace.sources.azure.connection import Connections
from tailrace.sources.azure.dialect import AzureDialect
from tailrace.sources.azure.source import AzureSource

ROUNDS = 5
AIM = 0.7
_DIGITS = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
_COLUMNS = (
    "CAST(n AS bigint) AS n, CAST(CONCAT(N'user', n, N'@example.com') AS nvarchar(100)) AS email,"
    " CAST(CONCAT(N'Name ', n) AS nvarchar(100)) AS name, CAST(n * 0.25 AS float) AS score,"
    " CAST(n % 2 AS bit) AS active, DATEADD(day, n % 365, CAST('2026-01-01' AS date)) AS day,"
    " DATEADD(second, n, CAST('2026-01-01 00:00:00' AS datetime2(6))) AS seen, CAST(n AS nvarchar(20)) AS code"
)


def filled(rows: int) -> str:
    """The statement that makes the table."""
    places = range(len(str(rows - 1)))
    number = " + ".join(f"p{place}.d * {10**place}" for place in places)
    joined = " CROSS JOIN ".join(f"({_DIGITS}) AS p{place}" for place in places)
    numbers = f"SELECT 1 + {number} AS n FROM {joined} WHERE {number} < {rows}"
    return AzureDialect().create_table_as("dbo.wide", f"SELECT {_COLUMNS} FROM ({numbers}) AS numbers")


def bare(source: AzureSource) -> int:
    """The driver as its documentation uses it."""
    connection = Connections(source.settings, Path(), SystemClock()).open()
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT * FROM dbo.wide")
        return sum(batch.num_rows for batch in cursor.arrow_reader(8192))
    finally:
        connection.close()


def ours(source: AzureSource) -> int:
    """The same table as a sync reads its plan."""
    with source.session() as session:
        return sum(batch.num_rows for batch in session.read("SELECT * FROM dbo.wide"))


def measured(read: Callable[[AzureSource], int], source: AzureSource, rows: int) -> float:
    """Seconds of one read of all rows, login included."""
    begun = time.perf_counter()
    assert read(source) == rows
    return time.perf_counter() - begun


def main() -> None:
    """Measure, print, and fail below the aim."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    server = AzureServer()
    server.start()
    try:
        with server.pool() as pool:
            pool.sql(filled(rows))
            source = AzureSource("bench", pool.settings())
            seconds: dict[str, list[float]] = {"bare": [], "tailrace": []}
            for _ in range(ROUNDS):
                seconds["bare"].append(measured(bare, source, rows))
                seconds["tailrace"].append(measured(ours, source, rows))
    finally:
        server.stop()
    speed = {name: rows / middle(each) for name, each in seconds.items()}
    share = speed["tailrace"] / speed["bare"]
    print(machine())
    print(
        f"{rows:,} rows: bare {speed['bare']:,.0f} rows/s, Tailrace {speed['tailrace']:,.0f} rows/s ({share:.0%})"
    )
    if share < AIM:
        sys.exit(f"below the aim of {AIM:.0%}")


if __name__ == "__main__":
    main()
