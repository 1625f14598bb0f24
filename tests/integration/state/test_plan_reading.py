"""Reading plans: order, units, exact values, previews (R10, R24), on both warehouses."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from tests.integration.state.shop import Shop, add, check

from tailrace.errors import SourceError, TailraceError
from tailrace.outcomes import Span
from tailrace.sources.dialect import BUCKET_SHIFT
from tailrace.state.plan_read import read_unit, stream_plan, units
from tailrace.state.plan_table import create_plan

MODEL = "SELECT id, name FROM customers"


@pytest.fixture
def thousand(shop: Shop) -> None:
    shop.run("CREATE TABLE customers (id integer, name text)")
    add(shop, *((number, "x" * (number % 7)) for number in range(1000)))


@pytest.mark.usefixtures("thousand")
def test_r10_position_is_bucket_and_place_and_units_cover_all_once(shop: Shop) -> None:
    planned = shop.plan(MODEL)
    rows = shop.rows(f"SELECT bucket, seq FROM {shop.table(planned.table)} ORDER BY seq")
    assert len({seq for _, seq in rows}) == 1000
    assert all(seq // BUCKET_SHIFT == bucket for bucket, seq in rows)
    assert len({bucket for bucket, _ in rows}) > 200
    with shop.source.session() as session:
        d, names, columns = shop.dialect, shop.names, planned.request.columns
        for most in (1000, 100, 7, 1):
            made = units(session, d, names, planned.table, columns, max_records=most)
            assert sum(unit.records for unit in made) == 1000
            assert all(unit.records <= most for unit in made)
            assert [unit.number for unit in made] == list(range(len(made)))
            spans = [unit.span for unit in made]
            assert all(a.last < b.first for a, b in pairwise(spans))
            if most == 1000:
                assert len(made) == 1
        small = units(session, d, names, planned.table, columns, max_bytes=200)
        assert len(small) > 20
        assert sum(unit.records for unit in small) == 1000


@pytest.mark.usefixtures("thousand")
def test_r10_a_piece_of_a_unit_can_be_read_again(shop: Shop) -> None:
    planned = shop.plan(MODEL)
    whole = planned.send()
    span = Span(whole[100]["_seq"], whole[199]["_seq"])
    with shop.source.session() as session:
        piece = read_unit(session, shop.dialect, shop.names, planned.table, span, planned.request.columns)
    assert piece.to_pylist() == whole[100:200]


@pytest.mark.usefixtures("thousand")
def test_r24_the_order_is_the_same_whichever_way_the_plan_was_made(shop: Shop) -> None:
    first = [(row["_operation"], row["_key"]) for row in shop.plan(MODEL).send()]
    assert first == [
        (row["_operation"], row["_key"]) for row in shop.preview(MODEL) if row["_seq"] is not None
    ]
    shop.plan(MODEL).deliver(only=["1"])
    shop.run("DELETE FROM customers WHERE id = 1")
    shop.operations = frozenset({"added", "updated"})
    joined = [(row["_operation"], row["_key"]) for row in shop.plan(MODEL).send()]
    assert joined == [row for row in first if row != ("added", "1")]


@pytest.mark.usefixtures("thousand")
def test_r32_a_preview_counts_as_the_plan_does_and_leaves_nothing(shop: Shop) -> None:
    shop.sync(MODEL)
    shop.run("UPDATE customers SET name = 'new' WHERE id < 10", "DELETE FROM customers WHERE id > 990")
    with shop.source.session() as session:
        before = session.rows(shop.dialect.list_tables(shop.names.schema))
    rows = shop.preview(MODEL)
    with shop.source.session() as session:
        assert session.rows(shop.dialect.list_tables(shop.names.schema)) == before
    by_operation = {each: sum(row["_operation"] == each for row in rows) for each in ("updated", "deleted")}
    assert by_operation == {"updated": 10, "deleted": 9}
    assert {
        row["_reason"]: row["_total"]
        for row in rows
        if row["_operation"] == "count" and row["_reason"] == "unchanged"
    } == {"unchanged": 981}
    check(shop.plan(MODEL), 991)


def staged(shop: Shop) -> list[tuple[str]]:
    """What stands in the warehouse beside the user's tables and ours."""
    if shop.postgres:
        return shop.rows("SELECT relname FROM pg_class WHERE relpersistence = 't'")
    return shop.rows("SELECT table_name FROM duckdb_tables() WHERE database_name IN ('memory', 'temp')")


@pytest.mark.usefixtures("thousand")
def test_r05_what_is_staged_goes_whatever_happens(shop: Shop) -> None:
    shop.sync(MODEL)
    failing = "SELECT id, CAST(CASE WHEN id < 900 THEN '1' ELSE name END AS integer) AS v FROM customers"
    for make in (shop.plan, shop.preview):
        with pytest.raises(TailraceError):
            make(failing)
        assert staged(shop) == []
        make(MODEL)
        assert staged(shop) == []
    with shop.source.session(model=True) as session:
        table, request = shop.names.changes(shop.n, "a"), shop.request(MODEL)
        for _ in range(2):
            with pytest.raises(SourceError):  # that attempt's table is there
                create_plan(session, shop.dialect, shop.names, table, request)
        with stream_plan(session, shop.dialect, shop.names, request) as rows:
            assert next(iter(rows)).num_rows
        assert staged(shop) == []
    with (
        pytest.raises(RuntimeError),
        shop.source.session(model=True) as session,
        stream_plan(session, shop.dialect, shop.names, request),
    ):
        raise RuntimeError
    assert staged(shop) == []


@pytest.mark.usefixtures("thousand")
def test_r24_a_plan_that_comes_in_another_order_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = shop.request(MODEL)
    with shop.source.session(model=True) as session:
        read = session.read

        def turned(statement: str) -> pa.RecordBatchReader:
            rows = read(statement).read_all()
            return rows.take(list(reversed(range(rows.num_rows)))).to_reader()

        monkeypatch.setattr(session, "read", turned)
        with (
            stream_plan(session, shop.dialect, shop.names, request) as rows,
            pytest.raises(SourceError, match="another order"),
        ):
            rows.read_all()


def test_r32_a_preview_needs_no_managed_schema(shop: Shop) -> None:
    rows = shop.preview("SELECT 1 AS id, 'a' AS name UNION ALL SELECT NULL, 'b'")
    assert [(row["_operation"], row["_key"]) for row in rows] == [("added", "1"), ("set_aside", None)]
    with shop.source.session() as session:
        assert shop.names.schema not in [name for (name,) in session.rows(shop.dialect.list_schemas())]


def test_values_arrive_exactly_as_the_model_has_them(shop: Shop) -> None:
    values = {
        "d": ("CAST('12345678901234567890.10' AS decimal(38, 2))", "12345678901234567890.10"),
        "i": ("CAST(9223372036854775807 AS bigint)", 9223372036854775807),
        "s": ("CAST(7 AS smallint)", 7),
        "f": ("CAST(0.1 AS double precision)", 0.1),
        "b": ("TRUE", True),
        "t": ("'Zoë''s \"x\" \\'", "Zoë's \"x\" \\"),
        "e": ("''", ""),
        "n": ("CAST(NULL AS text)", None),
        "u": ("CAST('550E8400-E29B-41D4-A716-446655440000' AS uuid)", "550e8400-e29b-41d4-a716-446655440000"),
        "j": ("""CAST('{"b": 1.00, "a": [1, 2]}' AS json)""", '{"b": 1.00, "a": [1, 2]}'),
        "x": ("CAST('ab' AS bytea)", b"ab"),
    }  # fmt: skip
    model = "SELECT 1 AS id, " + ", ".join(f"{value} AS {name}" for name, (value, _) in values.items())
    planned = shop.sync(model)
    row = planned.send()[0]
    assert {name: row[name] for name in values} == {name: value for name, (_, value) in values.items()}
    gone = shop.plan(f"{model} WHERE 1 = 0").send()[0]
    assert gone["_operation"] == "deleted"
    assert {name: gone[name] for name in values} == {name: value for name, (_, value) in values.items()}


def test_arrow_kinds(shop: Shop) -> None:
    model = (
        "SELECT 1 AS id, DATE '2024-01-01' AS d, TIMESTAMP '2024-01-01 10:00:00.5' AS t,"
        " CAST('2024-01-01 12:00:00+02' AS timestamp with time zone) AS z, TIME '10:00:00' AS c,"
        " INTERVAL '1 month' AS i, ARRAY[1, 2] AS a"
    )
    request = shop.request(model, apply=False)
    with (
        shop.source.session(model=True) as session,
        stream_plan(session, shop.dialect, shop.names, request) as rows,
    ):
        read = rows.read_all()
    types = {name: str(read.schema.field(name).type) for name in ("d", "t", "z", "c", "a")}
    assert types == {
        "d": "date32[day]",
        "t": "timestamp[us]",
        "z": "timestamp[us, tz=UTC]",
        "c": "string",
        "a": "string",
    }
    row = read.to_pylist()[0]
    assert row["a"].replace(" ", "") == "[1,2]"
    assert str(row["z"]) == "2024-01-01 10:00:00+00:00"


BIG = """
import re, sys
from pathlib import Path
from tests.integration.state.shop import make_shop
from tailrace.sources.duckdb.source import DuckDBSource

folder, rows = Path(sys.argv[1]), int(sys.argv[2])
shop = make_shop(DuckDBSource("w", {"path": str(folder / "big.duckdb")}, folder=folder), None)
text = ", ".join(f"repeat(md5((id + {n})::text), 1) AS t{n}" for n in range(8))
model = f"SELECT id, {text}, id * 1.5 AS n, id % 2 = 0 AS b FROM ids"
planned = shop.sync(model)
assert planned.counts.counts.added == rows
assert shop.plan(model).counts.counts.unchanged == rows
status = Path("/proc/self/status").read_text()  # its own peak; getrusage would tell the parent's
print(int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) // 1024)
"""


def test_a_large_plan_spills_and_stays_small_in_memory(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "big.duckdb")) as connection:
        connection.execute("CREATE TABLE ids AS SELECT CAST(i AS integer) AS id FROM range(600000) AS r(i)")
    done = subprocess.run(
        [sys.executable, "-c", BIG, str(tmp_path), "600000"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 400
