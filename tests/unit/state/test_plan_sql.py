"""The plan's statements, whole, as each dialect renders them: a change of them shows up in review.

Set TAILRACE_WRITE_SNAPSHOTS=1 to write the files anew.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import sqlglot
from tests.integration.state.forms import FORMS

from tailrace.columns import Column, Kind
from tailrace.sources.dialect import Dialect
from tailrace.sources.duckdb.dialect import DuckDBDialect
from tailrace.sources.postgres.dialect import PostgresDialect
from tailrace.state.columns import store_columns
from tailrace.state.names import StateNames
from tailrace.state.plan import PlanStatements, plan_statements
from tailrace.state.plan_read import stream_statements
from tailrace.state.plan_request import PlanRequest, RecordsTable

FOLDER = Path(__file__).parent / "plan_sql"
NAMES = StateNames("__segment_reverse_etl", "map_12345678")
DIALECTS: dict[str, Dialect] = {
    "duckdb": DuckDBDialect(),
    "postgres": PostgresDialect(),
    **{name: form() for name, form in FORMS.items()},
}
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
    summed = case in ("checksum", "filling")
    records = RecordsTable(held, 3, has_checksum=summed, digested=dialect.compares_digests and not summed)
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


def pretty(dialect: Dialect, statements: PlanStatements) -> str:
    """The statements laid out for reading; they must parse."""
    listed = [
        sqlglot.transpile(each, read=dialect.name, write=dialect.name, pretty=True)[0]
        for each in statements.listed
    ]
    return ";\n\n".join(listed) + "\n"


def hold(path: Path, text: str) -> None:
    if os.environ.get("TAILRACE_WRITE_SNAPSHOTS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    assert path.read_bytes().decode() == text


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("case", CASES)
def test_plan_statements(name: str, case: str) -> None:
    dialect = DIALECTS[name]
    statements = plan_statements(dialect, NAMES, replace(request(dialect, case), deletions_bare=True), "7_ab")
    assert "\n".join(statements.listed).count("FROM orders") == 1, "the model stands in them once"
    hold(FOLDER / name / f"{case}.sql", pretty(dialect, statements))


@pytest.mark.parametrize("name", DIALECTS)
def test_preview_statements(name: str) -> None:
    dialect = DIALECTS[name]
    statements = stream_statements(dialect, NAMES, request(dialect, "mirror"))
    assert "\n".join(statements.listed).count("FROM orders") == 1
    hold(FOLDER / name / "preview.sql", pretty(dialect, statements))
