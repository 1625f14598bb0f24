"""Reads a table of Db2 through Tailrace and by IBM's driver alone, in turn, in one run.

`python -m bench.db2 [ROWS]`. Against the stand-in, so the figures say what our side costs, and nothing of Db2's.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from tests.servers.db2 import Database, Db2Server

from bench.machine import machine
from bench.measure import middle
from tailrace.sources.db2.source import Db2Source

ROUNDS = 5
AIM = 0.6
_FILL = (
    "INSERT INTO wide SELECT {start} + t.n, 'user@example.com', CAST(t.n AS DECIMAL(12, 2)) / 4,"
    " TIMESTAMP('2026-01-01 00:00:00'), 'some text of a record' FROM digits AS t"
)
_BARE = """
import sys
import ibm_db
connection = ibm_db.connect(sys.stdin.readline().strip(), "", "")
statement = ibm_db.exec_immediate(connection, "SELECT * FROM wide")
rows = 0
while found := ibm_db.fetchmany(statement, 5000):
    rows += len(found)
print(rows)
"""


def fill(database: Database, rows: int) -> None:
    """Make the table, of whole thousands of rows."""
    numbers = ", ".join(f"({number})" for number in range(1000))
    database.sql(
        "CREATE TABLE digits (n BIGINT)",
        f"INSERT INTO digits VALUES {numbers}",
        "CREATE TABLE wide (n BIGINT, email VARCHAR(100), total DECIMAL(12, 2), seen TIMESTAMP, note VARCHAR(64))",
        *(_FILL.format(start=start) for start in range(0, rows, 1000)),
    )


def bare(source: Db2Source) -> int:
    """The driver's own rows, in a process of its own as ours are; Python objects, and no Arrow."""
    done = subprocess.run(
        [sys.executable, "-c", _BARE],
        input=source.connection.text() + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def ours(source: Db2Source) -> int:
    """The same table as a sync reads its plan, over a new connection."""
    with Db2Source(
        "bench", source.settings.model_dump() | {"password": source.settings.password}
    ).session() as session:
        return sum(batch.num_rows for batch in session.read("SELECT * FROM wide"))


def measured(read: Callable[[Db2Source], int], source: Db2Source, rows: int) -> float:
    """Seconds of one read of all rows, login included."""
    begun = time.perf_counter()
    assert read(source) == rows
    return time.perf_counter() - begun


def main() -> None:
    """Measure, print, and fail below the aim."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    server = Db2Server()
    server.start()
    try:
        with server.database() as database:
            fill(database, rows)
            source = Db2Source("bench", database.settings())
            turns = [(measured(bare, source, rows), measured(ours, source, rows)) for _ in range(ROUNDS)]
    finally:
        server.stop()
    alone, through = (middle([turn[side] for turn in turns]) for side in (0, 1))
    print(machine())
    print(f"{rows:,} rows: the driver alone {rows / alone:,.0f}/s, through Tailrace {rows / through:,.0f}/s")
    print(f"ratio {alone / through:.0%}, aim {AIM:.0%}")
    sys.exit(0 if alone / through >= AIM else 1)


if __name__ == "__main__":
    main()
