"""The statements of plans as a dedicated SQL pool gets them, whole: a change of them shows up in review.

Set TAILRACE_WRITE_SNAPSHOTS=1 to write the files anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.state.test_plan_sql import hold

from tailrace.columns import Column, Kind
from tailrace.outcomes import Span
from tailrace.sources.azure.dialect import AzureDialect
from tailrace.state.columns import store_columns
from tailrace.state.names import StateNames
from tailrace.state.plan import plan_statements
from tailrace.state.plan_read import unit_query
from tailrace.state.plan_request import PlanRequest, RecordsTable

FOLDER = Path(__file__).parent / "azure_sql"
NAMES = StateNames("__segment_reverse_etl", "map_12345678")
PLAN = "changes_map_12345678_1_1"
MODEL = "WITH big AS (SELECT * FROM shop.orders WHERE total > 5) SELECT * FROM big ORDER BY total"
COLUMNS = [
    Column("id", Kind.INT, "int"),
    Column("Name", Kind.TEXT, "varchar(20)"),
    Column("total", Kind.DECIMAL, "decimal(10,2)"),
    Column("photo", Kind.BYTES, "varbinary(max)"),
    Column("moment", Kind.TIMESTAMPTZ, "datetimeoffset(7)"),
]
CASES = {
    "first": {"records": None, "first": True},
    "mirror": {},
    "one_text_key": {"key": (COLUMNS[1],)},
    "quarantine": {"quarantine": True, "fingerprint": "f'1", "where": "total > 7 -- big ones"},
    "checksum": {"remember": "checksum"},
}


@pytest.mark.parametrize("case", CASES)
def test_plan_statements(case: str) -> None:
    dialect = AzureDialect()
    columns = store_columns(dialect, COLUMNS)
    standard = {
        "sql": MODEL,
        "where": None,
        "key": tuple(COLUMNS[:2]),
        "columns": columns,
        "records": RecordsTable(() if case == "checksum" else columns, 3, has_checksum=case == "checksum"),
        "operations": frozenset({"added", "updated", "deleted"}),
        "first": False,
    }
    request = PlanRequest(**(standard | CASES[case]))  # type: ignore[arg-type]
    statements = plan_statements(dialect, NAMES, request)
    listed = [
        *statements.stage,
        *dialect.create_plan(dialect.table(NAMES.schema, PLAN), statements.query),
        *statements.clear,
        unit_query(dialect, NAMES, PLAN, Span(0, 9), columns),
    ]
    assert "\n".join(listed).count("shop.orders") == 1, "the model stands in them once"
    hold(FOLDER / f"{case}.sql", ";\n\n".join(listed) + "\n")
