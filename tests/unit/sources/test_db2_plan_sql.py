"""The statements of plans as Db2 gets them, whole, in both forms: a change of them shows up in review.

Set TAILRACE_WRITE_SNAPSHOTS=1 to write the files anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tailrace.columns import Column, Kind
from tailrace.outcomes import Span
from tailrace.sources.db2.dialect import Db2Dialect
from tailrace.sources.db2.statements import steps
from tailrace.state.columns import store_columns
from tailrace.state.names import StateNames
from tailrace.state.plan import PlanStatements, plan_statements
from tailrace.state.plan_read import stream_statements, unit_query
from tailrace.state.plan_request import PlanRequest, RecordsTable

FOLDER = Path(__file__).parent / "db2_sql"
NAMES = StateNames("SEGMENT_REVERSE_ETL", "map_12345678")
FORMS = {"full": Db2Dialect(lambda: True), "apart": Db2Dialect(lambda: False)}
MODEL = "WITH big AS (SELECT * FROM shop.orders WHERE total > 5) SELECT * FROM big"
COLUMNS = [
    Column("id", Kind.INT, "INTEGER"),
    Column("Name", Kind.TEXT, "CHAR(20)"),
    Column("total", Kind.DECIMAL, "DECIMAL(10,2)"),
    Column("extra_json", Kind.JSON, "VARCHAR(500)"),
    Column("moment", Kind.TIMESTAMP, "TIMESTAMP"),
]
CASES = {
    "first": {"records": None, "first": True},
    "mirror": {},
    "quarantine": {"quarantine": True, "fingerprint": "f'1", "where": "total > 7 -- big ones"},
    "checksum": {"remember": "checksum"},
}


def request(dialect: Db2Dialect, case: str) -> PlanRequest:
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
    return PlanRequest(**(standard | CASES[case]))  # type: ignore[arg-type]


def shown(dialect: Db2Dialect, statements: PlanStatements) -> str:
    """What a sync runs for a plan, and for reading a unit of it."""
    target = dialect.table(NAMES.schema, "changes_map_12345678_1_1")
    listed = [*statements.stage, *dialect.create_plan(target, statements.query), *statements.clear]
    listed.append(
        unit_query(dialect, NAMES, "changes_map_12345678_1_1", Span(0, 9), store_columns(dialect, COLUMNS))
    )
    return ";\n\n".join(step for each in listed for step, _ in steps(each)) + "\n"


def hold(path: Path, text: str) -> None:
    if os.environ.get("TAILRACE_WRITE_SNAPSHOTS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    assert path.read_bytes().decode() == text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", CASES)
def test_plan_statements(form: str, case: str) -> None:
    dialect = FORMS[form]
    hold(
        FOLDER / form / f"{case}.sql", shown(dialect, plan_statements(dialect, NAMES, request(dialect, case)))
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_plan_that_is_only_read(form: str) -> None:
    dialect = FORMS[form]
    statements = stream_statements(dialect, NAMES, request(dialect, "mirror"))
    hold(FOLDER / form / "preview.sql", ";\n\n".join(statements.listed) + "\n")


def test_only_the_full_form_joins_fully_and_only_the_other_needs_tables_of_its_session() -> None:
    full, apart = ((FOLDER / form / "mirror.sql").read_text() for form in FORMS)
    assert "FULL JOIN" in full
    assert "FULL JOIN" not in apart
    assert "PARTITION BY" not in apart
    assert "GLOBAL TEMPORARY" in apart
    assert "GLOBAL TEMPORARY" not in full
    for text in (full, apart):
        assert " WITH UR" not in text
        assert not re.search(r"FROM \(\s*WITH", text)


@pytest.mark.parametrize("case", CASES)
def test_no_position_on_db2_rests_on_the_order_of_a_subquery(case: str) -> None:
    text = (FOLDER / "full" / f"{case}.sql").read_text()
    windows = re.findall(r"row_number\(\) OVER \((.*?\))\)", text)
    assert windows
    assert {re.sub(r"\w+\.", "", each) for each in windows} == {
        "PARTITION BY bucket ORDER BY HASH(record_id, 2)"
    }
