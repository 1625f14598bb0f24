"""The plan as Db2 gets it, with full joins and windows, says what the plan without them says.

The stand-in has neither, so both run on DuckDB, which is given Db2's functions.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.state.test_plan_forms_agree import KEYS

from tailrace.columns import Column, Kind
from tailrace.sources.db2.dialect import Db2Dialect
from tailrace.sources.db2.statements import steps
from tailrace.sources.dialect import BUCKET_SHIFT, Dialect
from tailrace.state.columns import store_columns, values_checksum
from tailrace.state.names import StateNames
from tailrace.state.plan import plan_statements
from tailrace.state.plan_request import PlanRequest, RecordsTable

NAMES = StateNames("SEGMENT_REVERSE_ETL", "map_12345678")
MODEL = "WITH big AS (SELECT * FROM orders WHERE total IS NULL OR total < 900) SELECT * FROM big"
COLUMNS = [
    Column("id", Kind.TEXT, "CHAR(8)"),
    Column("total", Kind.DECIMAL, "DECIMAL(10,2)"),
    Column("note", Kind.TEXT, "VARCHAR(50)"),
    Column("moment", Kind.TIMESTAMP, "TIMESTAMP"),
]
DB2 = """
CREATE SCHEMA SYSIBM; CREATE TABLE SYSIBM.SYSDUMMY1 AS SELECT 'Y' AS IBMREQD; CREATE SCHEMA SESSION;
CREATE SCHEMA SEGMENT_REVERSE_ETL;
CREATE MACRO db2_hash(x, kind) AS unhex(sha256(x));
CREATE MACRO locate(found, x) AS instr(x, found);
CREATE MACRO varchar_format(x, form) AS strftime(x, '%Y-%m-%d %H:%M:%S.%f') || '000000';
CREATE TABLE orders (id VARCHAR, total DECIMAL(10,2), note VARCHAR, moment TIMESTAMP);
CREATE TABLE SEGMENT_REVERSE_ETL.REJECTIONS_MAP_12345678 (record_id VARCHAR, operation VARCHAR, checksum VARCHAR,
  attempts INTEGER, next_try_at TIMESTAMP, fingerprint VARCHAR);
"""
WIDEST = 1_000 if os.environ.get("CHAOS") == "long" else 24
"""Columns of a wide model: the most that Db2's tables take beside ours, over which DuckDB sits for minutes, or a few."""

FORMS: dict[str, Dialect] = {
    "full": Db2Dialect(lambda: True),
    "apart": Db2Dialect(lambda: False),
}
values = st.tuples(
    st.sampled_from([None, "0.00", "7.50", "-0.05"]),
    st.sampled_from([None, "", "x", "x ", "ü"]),
    st.sampled_from([None, "2026-01-02 03:04:05.5", "2026-01-02 03:04:06"]),
)
model_rows = st.lists(
    st.tuples(st.sampled_from([*(k for k in KEYS if k != "a "), "", " ", None]), values), max_size=12
)
state_rows = st.lists(
    st.tuples(
        st.sampled_from([key for key in KEYS if key != "a "]),
        values,
        st.sampled_from(["delivered", "delivered", "uncertain", "doubtful", "unsent", "known"]),
        st.sampled_from([None, "id-1", "deleted:id-2"]),
    ),
    max_size=7,
    unique_by=lambda row: row[0],
)
refused = st.lists(
    st.tuples(st.sampled_from(KEYS), st.sampled_from(["added", "updated", "deleted"]), values), max_size=3
)
asked = st.fixed_dictionaries(
    {
        "operations": st.sets(st.sampled_from(["added", "updated", "deleted"]), min_size=1).map(frozenset),
        "remember": st.sampled_from(["values", "checksum"]),
        "first_sync_skip": st.booleans(),
        "candidates": st.booleans(),
        "resend": st.booleans(),
    }
)


def on_duckdb(statement: str) -> Iterator[str]:
    """A statement of Db2's as DuckDB has it."""
    for step, _ in steps(statement):
        step = step.replace("HASH(", "db2_hash(").replace(
            "(CURRENT TIMESTAMP - CURRENT TIMEZONE)", "CAST(now() AS TIMESTAMP)"
        )
        step = re.sub(
            r"DECLARE GLOBAL TEMPORARY TABLE (.*) ON COMMIT.*", r"CREATE TABLE \1", step, flags=re.DOTALL
        )
        yield re.sub(r"\bCHAR\(8\)", "VARCHAR", step)


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(DB2)
        yield connection


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(model_rows, state_rows, refused, asked)
def test_both_forms_give_the_same_plan(
    database: duckdb.DuckDBPyConnection,
    model: list[Any],
    state: list[Any],
    refused: list[Any],
    asked: dict[str, Any],
) -> None:
    full, apart = (plan(database, FORMS[form], model, state, refused, asked) for form in ("full", "apart"))
    assert full == apart
    counted = sum(row["total"] for row in full if row["reason"] == "model_rows")
    assert counted == (len(model) if state else 0)


@pytest.mark.parametrize("form", FORMS)
def test_a_plan_of_more_columns_than_fit_twice_into_a_select_list_finds_a_change(
    database: duckdb.DuckDBPyConnection, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Db2Dialect, "columns_per_select", WIDEST + 12)
    dialect, last = FORMS[form], WIDEST - 1
    model = [Column(f"v{number}", Kind.TEXT, "VARCHAR(20)") for number in range(WIDEST)]
    columns = store_columns(dialect, model)
    records = dialect.table(NAMES.schema, NAMES.records)
    values = ", ".join(f"'{number}' AS v{number}" for number in range(1, WIDEST))
    database.execute(
        f"CREATE OR REPLACE TABLE wide AS SELECT k AS v0, {values} FROM (VALUES ('a'), ('b')) AS t(k)"
    )
    own = "true AS delivered, false AS uncertain, NULL AS baseline, NULL AS record_level_id, 1 AS synced_n"
    database.execute(f"CREATE OR REPLACE TABLE {records} AS SELECT v0 AS record_id, *, {own} FROM wide")
    database.execute(f"UPDATE wide SET v{last} = 'changed' WHERE v0 = 'b'")
    request = PlanRequest(
        sql="SELECT * FROM wide",
        where=None,
        key=(model[0],),
        columns=columns,
        records=RecordsTable(columns, 2, has_checksum=False),
        operations=frozenset({"added", "updated", "deleted"}),
        first=False,
    )
    statements = plan_statements(dialect, NAMES, request, "wide")
    assert "m_c0" not in "".join(statements.listed)
    for statement in statements.stage:
        run(database, statement)
    (query,) = on_duckdb(statements.query)
    found = database.execute(query).fetchall()
    for statement in statements.clear:
        run(database, statement)
    assert {(row[0], row[1], row[-1]) for row in found} == {
        ("updated", "b", "changed"),
        ("count", None, None),
    }


def plan(
    database: duckdb.DuckDBPyConnection,
    dialect: Dialect,
    model: list[Any],
    state: list[Any],
    refused: list[Any],
    asked: dict[str, Any],
) -> list[dict[str, Any]]:
    """The plan's rows but for their positions, which are held to be what they must be."""
    columns = store_columns(dialect, COLUMNS)
    write(database, dialect, columns, model, state, refused, summed=asked["remember"] == "checksum")
    request = PlanRequest(
        sql=MODEL,
        where="total IS NULL OR total <> 3",
        key=(COLUMNS[0],),
        columns=columns,
        records=RecordsTable(
            () if asked["remember"] == "checksum" else columns,
            len(state),
            has_checksum=asked["remember"] == "checksum",
        ),
        first=not state,
        fingerprint="settings",
        quarantine=bool(refused),
        **asked,
    )
    statements = plan_statements(dialect, NAMES, request, "1")
    for statement in statements.stage:
        run(database, statement)
    (query,) = on_duckdb(statements.query)
    found = database.execute(query)
    names = [str(column[0]).lower() for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    for statement in statements.clear:
        run(database, statement)
    assert all(row["seq"] is None or row["seq"] // BUCKET_SHIFT == row["bucket"] for row in rows)
    order = [
        row["record_id"] for row in sorted((r for r in rows if r["seq"] is not None), key=lambda r: r["seq"])
    ]
    for row in rows:
        row["seq"] = None if row["seq"] is None else order.index(row["record_id"])
        if row["operation"] == "set_aside":
            row |= dict.fromkeys(name for name in row if name not in ("operation", "record_id", "reason"))
    return sorted(rows, key=lambda row: repr(sorted(row.items())))


def run(database: duckdb.DuckDBPyConnection, statement: str) -> None:
    for step in on_duckdb(statement):
        database.execute(step)


def write(
    database: duckdb.DuckDBPyConnection,
    dialect: Dialect,
    columns: Any,
    model: list[Any],
    state: list[Any],
    refused: list[Any],
    *,
    summed: bool,
) -> None:
    database.execute("DELETE FROM orders; DELETE FROM SEGMENT_REVERSE_ETL.REJECTIONS_MAP_12345678")
    records = dialect.table(NAMES.schema, NAMES.records)
    held = {column.stored: column.native for column in columns}
    body = ", ".join(f"{dialect.quote(name)} {native}" for name, native in held.items())
    database.execute(
        f"CREATE OR REPLACE TABLE {records} (record_id VARCHAR, {'checksum VARCHAR' if summed else body},"
        " delivered BOOLEAN, uncertain BOOLEAN, baseline VARCHAR, record_level_id VARCHAR, synced_n BIGINT)"
    )
    for key, (total, note, moment) in model:
        database.execute("INSERT INTO orders VALUES (?, ?, ?, ?)", [key, total, note, moment])
    for key, row, standing, level_id in state:
        kept = [checksum(database, dialect, columns, key, row)] if summed else [key, *row]
        own = [standing in ("delivered", "uncertain"), standing in ("uncertain", "doubtful")]
        own += [standing if standing in ("unsent", "known") else None, level_id, 1]
        values = [key, *kept, *own]
        database.execute(f"INSERT INTO {records} VALUES ({', '.join('?' * len(values))})", values)
    for key, operation, row in refused:
        summed_up = checksum(database, dialect, columns, key, row)
        database.execute(
            "INSERT INTO SEGMENT_REVERSE_ETL.REJECTIONS_MAP_12345678"
            " VALUES (?, ?, ?, 3, CAST(now() AS TIMESTAMP) + INTERVAL 1 HOUR, 'settings')",
            [key, operation, summed_up],
        )


def checksum(database: duckdb.DuckDBPyConnection, dialect: Dialect, columns: Any, key: str, row: Any) -> Any:
    typed = ", ".join(
        f"CAST({dialect.literal(value)} AS {column.native}) AS {dialect.quote(column.stored)}"
        for column, value in zip(columns, (key, *row), strict=True)
    )
    (query,) = on_duckdb(f"SELECT {values_checksum(dialect, columns, 'p')} FROM (SELECT {typed}) AS p")
    found = database.execute(query).fetchone()
    assert found is not None
    return found[0]
