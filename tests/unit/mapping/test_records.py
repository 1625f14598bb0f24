"""One bad record never touches the others, and order, outputs and threads never matter."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.mapping.rendering import batch, column, render

from tailrace.columns import Kind
from tailrace.mapping import render as rendering_module
from tailrace.mapping.compile import compile_mapping

COLUMNS = [column("t"), column("n", Kind.INT)]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.none() | st.sampled_from(["1", "-2", "x", "", "1.5", "9" * 30]), max_size=40))
def test_only_the_bad_records_are_refused(values):
    fields = {"x": {"sql": "CAST(t AS INTEGER)"}, "y": "{{ t }}"}
    results = render(fields, COLUMNS, [{"t": value} for value in values])
    for value, result in zip(values, results, strict=True):
        if value in ("x", "", "9" * 30):
            assert result["payload"] is None
            assert result["error_field"] == "x"
            assert "Could not convert" in result["error_message"]
        else:
            assert result["error_field"] is None
            assert result["payload"] is not None


def test_many_bad_records_cost_no_more_than_their_number():
    rows = [{"t": "x" if at % 2 else str(at)} for at in range(5000)]
    results = render({"x": {"sql": "CAST(t AS INTEGER)"}}, COLUMNS, rows)
    assert [result["payload"] is None for result in results] == [at % 2 == 1 for at in range(5000)]
    assert {result["error_field"] for result in results} == {None, "x"}


def test_the_first_field_that_fails_is_named():
    result = render(
        {"a": "{{ t }}", "b": "{{ t | int }}", "c": {"sql": "1 // n"}}, COLUMNS, [{"t": "x", "n": 0}]
    )[0]
    assert result["error_field"] == "b"


def test_a_branch_that_is_not_taken_cannot_refuse():
    fields = {
        "x": {"case": {"when": [{"if": "n = 0", "then": "none"}], "else": {"sql": "10 // n"}}},
        "y": {"value": "{{ t | int }}", "when_null": {"default": {"sql": "7 // n"}}},
    }
    rows = [{"n": 0, "t": "1"}, {"n": 5, "t": "2"}, {"n": 2}]
    assert [result["payload"] for result in render(fields, COLUMNS, rows)] == [
        '{"x":"none","y":1}',
        '{"x":2,"y":2}',
        '{"x":5,"y":3}',
    ]


def test_a_condition_that_fails_refuses_unless_an_earlier_one_held():
    when = [{"if": "n = 1", "then": "one"}, {"if": "CAST(t AS INTEGER) > 1", "then": "many"}]
    rows = [{"n": 1, "t": "x"}, {"n": 2, "t": "x"}, {"n": 2, "t": "5"}, {"n": 2}]
    results = render({"x": {"case": {"when": when}}}, COLUMNS, rows)
    assert [result["payload"] for result in results] == ['{"x":"one"}', None, '{"x":"many"}', '{"x":null}']


def test_rows_keep_their_order_with_several_threads():
    rows = [{"n": at} for at in range(60_000)]
    results = render({"n": "$n"}, COLUMNS, rows, outputs={"seq": "_seq"}, threads=2)
    assert [result["seq"] for result in results] == list(range(60_000))
    assert all(result["payload"] == f'{{"n":{at}}}' for at, result in enumerate(results))


def test_outputs_see_the_payload_and_what_is_passed_through():
    compiled = compile_mapping({"n": "{{ t | int }}"}, COLUMNS)
    outputs = {"item": "coalesce(payload || ',', '')", "id": "sha256(_key || payload)", "why": "error_field"}
    with compiled.renderer(outputs) as renderer:
        used = [one for one in COLUMNS if one.name in compiled.used_columns]
        result = renderer.render(batch(used, [{"t": "1"}, {"t": "x"}], _key=["a", "b"]))
    assert result.schema.names == ["payload", "error_field", "error_message", "item", "id", "why"]
    assert result.schema.field("payload").type == pa.large_string()
    assert result.column("item").to_pylist() == ['{"n":1},', ""]
    assert result.column("id")[1].as_py() is None
    assert result.column("why").to_pylist() == [None, "n"]


def test_a_renderer_takes_piece_after_piece_and_other_carriages():
    compiled = compile_mapping({"n": "$n"}, COLUMNS)
    with compiled.renderer() as renderer:
        for values in (
            pa.array([1, 2]),
            pa.array([3]),
            pa.array([], pa.int64()),
            pa.array(["4"]),
            pa.array([5]),
        ):
            result = renderer.render(pa.RecordBatch.from_arrays([values], names=["n"]))
            assert result.column("payload").to_pylist() == [
                f'{{"n":{value}}}' for value in values.to_pylist()
            ]


def test_a_mapping_without_columns_renders_each_record():
    compiled = compile_mapping({"kind": "constant"}, COLUMNS)
    assert compiled.used_columns == ()
    with compiled.renderer({"seq": "_seq"}) as renderer:
        result = renderer.render(pa.record_batch({"_seq": [1, 2]}))
    assert result.column("payload").to_pylist() == ['{"kind":"constant"}'] * 2


def test_failing_as_a_whole_is_narrowed_down_to_the_record(monkeypatch):
    """Should DuckDB fail for a whole piece, halving finds the record; nothing else is lost."""
    compiled = compile_mapping({"n": "$n"}, COLUMNS)
    run = rendering_module.Statement.run

    def failing(statement, piece):
        import duckdb

        if 13 in piece.column("r1").to_pylist():
            raise duckdb.OutOfMemoryException("Out of Memory Error: too large")
        return run(statement, piece)

    monkeypatch.setattr(rendering_module.Statement, "run", failing)
    with compiled.renderer({"seq": "_seq"}) as renderer:
        result = renderer.render(batch([COLUMNS[1]], [{"n": at} for at in range(100)], _seq=list(range(100))))
    assert result.column("seq").to_pylist() == list(range(100))
    assert [at for at, text in enumerate(result.column("payload").to_pylist()) if text is None] == [13]
    assert "too large" in result.column("error_message")[13].as_py()


def test_used_columns_are_in_the_models_order():
    columns = [column(name) for name in "abcde"]
    fields = {
        "x": "$e",
        "y": {"sql": "c || a"},
        "z": {"case": {"when": [{"if": "d = ''", "then": "{{ a }}"}]}},
    }
    assert compile_mapping(fields, columns).used_columns == ("a", "c", "d", "e")
    assert compile_mapping(None, columns).used_columns == tuple("abcde")
    assert compile_mapping(fields, columns).field_names == ("x", "y", "z")


@pytest.mark.parametrize("size", [0, 1])
def test_small_batches(size):
    assert len(render({"n": "$n"}, COLUMNS, [{"n": 1}] * size)) == size
