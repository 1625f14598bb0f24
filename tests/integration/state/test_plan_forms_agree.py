"""However a warehouse needs its plans written, equal models over equal state give equal plans."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.state.forms import FORMS
from tests.integration.state.shop import Shop, make_shop

from tailrace.sources.dialect import BUCKET_SHIFT
from tailrace.sources.duckdb.dialect import DuckDBDialect
from tailrace.sources.duckdb.files import STATE_CATALOG
from tailrace.sources.duckdb.source import DuckDBSource
from tailrace.state import tables
from tailrace.state.columns import store_columns, values_checksum
from tailrace.state.plan_request import PlanRequest, RecordsTable

KEYS = ["a", "a ", "A", "b", "c", "d", "ä"]
FINGERPRINT = "settings"

values = st.tuples(st.sampled_from([None, 0, 1]), st.sampled_from([None, "", "x", "x "]))
model_rows = st.lists(st.tuples(st.sampled_from([*KEYS, "", " ", None]), values), max_size=12)


@dataclass(frozen=True)
class Held:
    """One row of the state."""

    key: str
    values: tuple[int | None, str | None]
    standing: str
    level_id: str | None
    summed: bool


state_rows = st.lists(
    st.builds(
        Held,
        st.sampled_from(KEYS),
        values,
        st.sampled_from(["delivered", "delivered", "uncertain", "doubtful", "unsent", "known"]),
        st.sampled_from([None, "id-1", "deleted:id-2"]),
        st.booleans(),
    ),
    max_size=7,
    unique_by=lambda row: row.key,
)
waiting = st.lists(
    st.tuples(st.sampled_from(KEYS), st.sampled_from(["added", "updated", "deleted"]), values), max_size=4
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


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(model_rows, state_rows, waiting, asked)
def test_all_forms_give_the_same_plan(
    model: list[Any], state: list[Held], refused: list[Any], asked: dict[str, Any]
) -> None:
    found: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        source = DuckDBSource("warehouse", {"path": f"{folder}/shop.duckdb"}, folder=Path(folder))
        shop = make_shop(source, None)
        with source.session(model=True):  # so that the files stay open
            for name, form in {"duckdb": DuckDBDialect, **FORMS}.items():
                source.dialect = form(STATE_CATALOG)
                found[name] = plan(shop, model, state, refused, asked)
    for name, rows in found.items():
        assert rows == found["duckdb"], name


def plan(
    shop: Shop, model: list[Any], state: list[Held], refused: list[Any], asked: dict[str, Any]
) -> list[dict[str, Any]]:
    """The rows of the plan in this form but for their positions, which are held to be what they must be."""
    shop.forget()
    sql = values_query(shop, model)
    described = shop.columns(sql)
    columns = store_columns(shop.dialect, [described["a"], described["b"]])
    summed = asked["remember"] == "checksum"
    mixed = not summed and any(row.summed for row in state)
    write_state(shop, columns, state, "checksum" if summed else "values", mixed)
    refuse(shop, columns, refused)
    request = PlanRequest(
        sql=sql,
        where=None,
        key=(described["id"],),
        columns=columns,
        records=RecordsTable(
            () if summed else columns,
            len(state),
            has_checksum=summed or mixed,
            digested=shop.dialect.compares_digests and not summed and not mixed,
        ),
        first=not state,
        fingerprint=FINGERPRINT,
        quarantine=bool(refused),
        **asked,
    )
    rows = shop.preview_of(request)
    placed = [row for row in rows if row["_seq"] is not None]
    assert [row["_seq"] for row in placed] == sorted({row["_seq"] for row in placed})
    assert all(0 <= row["_seq"] // BUCKET_SHIFT < 256 for row in placed)
    return sorted((told(row) for row in rows), key=lambda row: repr(sorted(row.items())))


def told(row: dict[str, Any]) -> dict[str, Any]:
    """What a row says; one that is set aside says nothing but its key."""
    said = ("_operation", "_key", "_reason") if row["_operation"] == "set_aside" else set(row) - {"_seq"}
    return {name: row[name] for name in said}


def values_query(shop: Shop, model: list[Any]) -> str:
    literal = shop.dialect.literal
    rows = [
        f"SELECT {number} AS n, CAST({literal(key)} AS text) AS id, CAST({literal(a)} AS integer) AS a,"
        f" CAST({literal(b)} AS text) AS b"
        for number, (key, (a, b)) in enumerate([(None, (None, None)), *model])
    ]
    return f"SELECT id, a, b FROM ({' UNION ALL '.join(rows)}) AS rows WHERE n > 0"


def write_state(shop: Shop, columns: Any, state: list[Held], remember: Any, mixed: bool) -> None:
    """The rows as they are; where rows are only inserted, with older versions and removed ones among them."""
    d, names = shop.dialect, shop.names
    records = shop.table(names.records)
    with shop.source.session() as session:
        tables.create_records(session, d, names, columns, remember)
        if mixed:
            session.execute(d.add_column(records, "checksum", "VARCHAR"))
        for row in state:
            session.execute(f"INSERT INTO {records} BY NAME {held(shop, columns, row, remember, mixed)}")
        if not d.insert_only:
            return
        session.execute(f"UPDATE {records} SET record_version = 2, record_removed = FALSE")
        session.execute(
            f"INSERT INTO {records} BY NAME SELECT * REPLACE (1 AS record_version, FALSE AS delivered) FROM {records}"
        )
        for version in (1, 2):
            session.execute(
                f"INSERT INTO {records} BY NAME SELECT 'gone' AS record_id, TRUE AS delivered, FALSE AS uncertain,"
                f" {version} AS record_version, {version} = 2 AS record_removed"
            )


def held(shop: Shop, columns: Any, row: Held, remember: str, mixed: bool) -> str:
    literal = shop.dialect.literal
    a, b = row.values
    pair = f"SELECT CAST({literal(a)} AS integer) AS a, CAST({literal(b)} AS text) AS b"
    digest = f"(SELECT {values_checksum(shop.dialect, columns, 'p')} FROM ({pair}) AS p)"
    checksum = f"{digest} AS checksum"
    if remember == "checksum":
        kept = checksum
    elif mixed:
        kept = checksum if row.summed else f"{literal(a)} AS a, {literal(b)} AS b, NULL AS checksum"
    else:
        kept = f"{literal(a)} AS a, {literal(b)} AS b"
        kept += f", {digest} AS digest" if shop.dialect.compares_digests else ""
    return (
        f"SELECT {literal(row.key)} AS record_id, {kept}, {row.standing == 'delivered' or row.standing == 'uncertain'}"
        f" AS delivered, {row.standing in ('uncertain', 'doubtful')} AS uncertain,"
        f" {literal(row.standing if row.standing in ('unsent', 'known') else None)} AS baseline,"
        f" {literal(row.level_id)} AS record_level_id, 1 AS synced_n"
    )


def refuse(shop: Shop, columns: Any, refused: list[Any]) -> None:
    d, table = shop.dialect, shop.table(shop.names.rejections)
    later = d.plus_seconds(d.now(), 3600)
    shop.execute(f"DELETE FROM {table}")
    for key, operation, (a, b) in refused:
        pair = f"SELECT CAST({d.literal(a)} AS integer) AS a, CAST({d.literal(b)} AS text) AS b"
        shop.execute(
            f"INSERT INTO {table} BY NAME SELECT {d.literal(key)} AS record_id, {d.literal(operation)} AS operation,"
            f" {values_checksum(d, columns, 'p')} AS checksum, 3 AS attempts, {later} AS next_try_at,"
            f" {d.literal(FINGERPRINT)} AS fingerprint FROM ({pair}) AS p"
        )
