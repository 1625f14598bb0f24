"""How many bytes a statement processes, and how many are billed on demand.

https://cloud.google.com/bigquery/docs/estimate-costs and .../pricing: a query pays for the columns it mentions of each
table; UPDATE and DELETE also for every column of the table they change; at least 10 MB per table and per query. An
upper bound here: neither clustering nor the pruning of unused columns of subqueries is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
from tests.servers.bigquery.standin.catalog import Catalog
from tests.servers.bigquery.standin.errors import Refusal
from tests.servers.bigquery.standin.statement import Statement, TableName

MEGABYTE = 1024 * 1024
LEAST = 10 * MEGABYTE


@dataclass(frozen=True)
class Cost:
    processed: int
    billed: int


def processed(
    catalog: Catalog, connection: duckdb.DuckDBPyConnection, statement: Statement, *, fresh: set[TableName]
) -> Cost:
    """What a statement costs; the tables `fresh` were changed by the open transaction."""
    total, tables = 0, 0
    for table in dict.fromkeys(statement.reads):
        if table in fresh:
            catalog.touch(table)
        columns = catalog.size(connection, table)[1]
        whole = "*" in statement.columns or (table == statement.target and _rewrites(statement))
        size = sum(size for name, size in columns.items() if whole or name in statement.columns)
        total += size
        tables += bool(size)
    if statement.views:
        tables += 1
    megabytes = -(-total // MEGABYTE) * MEGABYTE
    return Cost(total, max(megabytes, tables * LEAST))


def _rewrites(statement: Statement) -> bool:
    if statement.kind == "MERGE":
        return any(word in statement.text.upper() for word in ("THEN UPDATE", "THEN DELETE"))
    return statement.kind in ("UPDATE", "DELETE")


def check_cap(cap: int | None, cost: Cost) -> None:
    """Refuse a statement that would be billed more than `maximumBytesBilled` allows."""
    if cap is not None and cost.billed > cap:
        raise Refusal(
            "bytesBilledLimitExceeded",
            f"Query exceeded limit for bytes billed: {cap}. {cost.billed} or higher required.",
        )
