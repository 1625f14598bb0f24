"""The plan's statement, whole, as each dialect renders it: a change of it shows up in review.

Set TAILRACE_WRITE_SNAPSHOTS=1 to write the files anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlglot

from tailrace.columns import Column, Kind
from tailrace.sources.dialect import Dialect
from tailrace.sources.duckdb_dialect import DuckDBDialect
from tailrace.sources.postgres_dialect import PostgresDialect
from tailrace.state.columns import store_columns
from tailrace.state.names import StateNames
from tailrace.state.plan import plan_select
from tailrace.state.plan_read import stream_query
from tailrace.state.plan_request import PlanRequest, RecordsTable

FOLDER = Path(__file__).parent / "plan_sql"
NAMES = StateNames("__segment_reverse_etl", "map_12345678")
DIALECTS: list[Dialect] = [DuckDBDialect(), PostgresDialect()]
NATIVES = {
    "duckdb": {Kind.INT: "INTEGER", Kind.TEXT: "VARCHAR", Kind.JSON: "JSON", Kind.DECIMAL: "DECIMAL(10,2)"},
    "postgres": {
        Kind.INT: "integer",
        Kind.TEXT: "character varying(20)",
        Kind.JSON: "json",
        Kind.DECIMAL: "numeric(10,2)",
    },
}
CASES = {
    "first": {"records": None, "first": True},
    "first_skip": {"records": None, "first": True, "first_sync_skip": True},
    "mirror": {},
    "insert": {"operations": frozenset({"added"})},
    "delete_only": {"operations": frozenset({"deleted"})},
    "candidates": {"candidates": True},
    "quarantine": {
        "quarantine": True,
        "fingerprint": "f'1",
        "where": "total > 5 -- big ones",
    },
    "checksum": {"remember": "checksum"},
    "filling": {},
}


def request(dialect: Dialect, case: str) -> PlanRequest:
    natives = NATIVES[dialect.name]
    model = [
        Column("id", Kind.INT, natives[Kind.INT]),
        Column("Name", Kind.TEXT, natives[Kind.TEXT]),
        Column("total", Kind.DECIMAL, natives[Kind.DECIMAL]),
        Column("extra", Kind.JSON, natives[Kind.JSON]),
    ]
    columns = store_columns(dialect, model)
    held = () if case == "checksum" else columns
    records = RecordsTable(held, 3, has_checksum=case in ("checksum", "filling"))
    standard = {
        "sql": "SELECT * FROM orders;",
        "where": None,
        "key": tuple(model[:2]),
        "columns": columns,
        "records": records,
        "operations": frozenset({"added", "updated", "deleted"}),
        "first": False,
    }
    return PlanRequest(**(standard | CASES[case]))  # type: ignore[arg-type]


def pretty(dialect: Dialect, statement: str) -> str:
    """The statement laid out for reading; it must parse."""
    return sqlglot.transpile(statement, read=dialect.name, write=dialect.name, pretty=True)[0] + "\n"


def hold(path: Path, text: str) -> None:
    if os.environ.get("TAILRACE_WRITE_SNAPSHOTS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    assert path.read_bytes().decode() == text


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("case", CASES)
def test_plan_statement(dialect: Dialect, case: str) -> None:
    statement = plan_select(dialect, NAMES, request(dialect, case))
    assert statement.count("FROM orders") == 1, "the model stands in it once"
    hold(FOLDER / dialect.name / f"{case}.sql", pretty(dialect, statement))


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_preview_statement(dialect: Dialect) -> None:
    statement = stream_query(dialect, NAMES, request(dialect, "mirror"))
    assert statement.count("FROM orders") == 1
    hold(FOLDER / dialect.name / "preview.sql", pretty(dialect, statement))
