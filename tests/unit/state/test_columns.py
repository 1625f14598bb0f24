"""Where columns stand in the managed tables (R15, R16)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.columns import Column, Kind
from tailrace.sources.dialect import Dialect
from tailrace.sources.duckdb.dialect import DuckDBDialect
from tailrace.sources.postgres.dialect import PostgresDialect
from tailrace.state.columns import (
    OWN,
    columns_from_json,
    columns_to_json,
    store_columns,
    used,
    values_checksum,
)

DIALECTS: list[Dialect] = [DuckDBDialect(), PostgresDialect()]
NATIVES = {
    "duckdb": (
        *(
            "INTEGER",
            "BIGINT",
            "UBIGINT",
            "DECIMAL(10,2)",
            "DOUBLE",
            "VARCHAR",
            "BOOLEAN",
            "DATE",
            "TIMESTAMP",
        ),
        *("JSON", "INTEGER[]", "UUID", "BLOB", "INTERVAL"),
    ),
    "postgres": (
        *("integer", "bigint", "smallint", "numeric(10,2)", "real", "text", "boolean", "date"),
        *("timestamp with time zone", "json", "integer[]", "uuid", "bytea", "interval"),
    ),
}
NAMES = st.one_of(
    st.sampled_from([*OWN, "Record_ID", "a", "A", "a_2", "a_3", "ä" * 40, "x" * 128, 'q"uote']),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=128),
)


def models(dialect: Dialect) -> st.SearchStrategy[list[Column]]:
    column = st.builds(
        lambda name, native: Column(name, dialect.kind_of(native), native),
        NAMES,
        st.sampled_from(NATIVES[dialect.name]),
    )
    return st.lists(column, max_size=6, unique_by=lambda column: column.name)


@given(st.data(), st.sampled_from(DIALECTS))
def test_r16_every_column_has_a_place_of_its_own_through_all_changes(
    data: st.DataObject, dialect: Dialect
) -> None:
    stored = ()
    for model in data.draw(st.lists(models(dialect), min_size=1, max_size=4)):
        before = {column.stored: column for column in stored}
        stored = store_columns(dialect, model, stored)
        places = [column.stored.lower() for column in stored]
        assert len(set(places)) == len(places)
        assert not OWN & set(places)
        assert all(len(column.stored.encode()) <= 63 for column in stored)
        assert [column.name for column in used(stored)] == [column.name for column in model]
        assert before.keys() <= {column.stored for column in stored}, "nothing is forgotten before a reset"
        for column in used(stored):
            old = before.get(column.stored)
            assert old is None or dialect.widen(old.column, column.column) == column.column, "never narrowed"
        assert store_columns(dialect, model, stored) == stored
        assert columns_from_json(json.loads(json.dumps(columns_to_json(stored)))) == stored


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_r13_the_checksum_does_not_depend_on_the_order_of_columns(dialect: Dialect) -> None:
    native = NATIVES[dialect.name][0]
    model = [Column(name, Kind.INT, native) for name in ("a", "b", "c")]
    one, other = (store_columns(dialect, listed) for listed in (model, model[::-1]))
    assert values_checksum(dialect, one, "x") == values_checksum(dialect, other, "x")


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@given(st.data())
def test_r15_widening_holds_both_and_settles(dialect: Dialect, data: st.DataObject) -> None:
    pick = st.sampled_from(NATIVES[dialect.name])
    one, other = (
        dialect.storage(Column("c", dialect.kind_of(native), native))
        for native in data.draw(st.tuples(pick, pick))
    )
    wide = dialect.widen(one, other)
    back = dialect.widen(other, one)
    assert (wide is None) == (back is None)
    if wide is not None and back is not None:
        assert wide.native == back.native
        assert dialect.widen(wide, other) == wide
        assert dialect.storage(wide).native == wide.native
