"""Values on the wire: what is rendered equals what a slow and plain reference writes, for every kind."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import math
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.unit.mapping.rendering import batch, column, exact, render

from tailrace.columns import Kind
from tailrace.mapping.compile import compile_mapping

COLUMNS = [
    column("flag", Kind.BOOL),
    column("whole", Kind.INT, "bigint"),
    column("wide", Kind.INT, "hugeint"),
    column("amount", Kind.DECIMAL, "numeric(38,6)"),
    column("free", Kind.DECIMAL, "numeric"),
    column("ratio", Kind.FLOAT, "double"),
    column("name", Kind.TEXT, "text"),
    column("raw", Kind.BYTES, "bytea"),
    column("day", Kind.DATE, "date"),
    column("local", Kind.TIMESTAMP, "timestamp"),
    column("at", Kind.TIMESTAMPTZ, "timestamptz"),
    column("id", Kind.UUID, "uuid"),
    column("data", Kind.JSON, "jsonb"),
    column("tags", Kind.ARRAY, "text[]"),
    column("clock", Kind.TIME, "time"),
]
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["", " ", "null", '"', "\\", "\n\r\t\0\x1f", "😀", "é\u2028", "{{ x }}", "$x", "'; --", "NaN", "[1,]"]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXT | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=6).map(lambda value: format(value, "f"))


def _json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


RECORD = st.fixed_dictionaries(
    {
        "flag": st.none() | st.booleans(),
        "whole": st.none() | st.integers(-(2**63), 2**63 - 1),
        "wide": st.none() | st.integers(-(2**127), 2**127 - 1).map(str),
        "amount": st.none() | _DECIMALS,
        "free": st.none()
        | st.decimals(allow_nan=False, allow_infinity=False).map(lambda one: format(one, "f")),
        "ratio": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "name": st.none() | _TEXT,
        "raw": st.none() | st.binary(max_size=20),
        "day": st.none() | st.dates(),
        "local": st.none() | st.datetimes(),
        "at": st.none() | st.datetimes(timezones=st.just(datetime.UTC)),
        "id": st.none() | st.uuids().map(str),
        "data": st.none() | _JSON.map(_json_text),
        "tags": st.none() | st.lists(_TEXT, max_size=3).map(_json_text),
        "clock": st.none() | st.times().map(str),
    }
)


def _stamp(value: datetime.datetime) -> str:
    text = value.replace(tzinfo=None).isoformat(sep="T")
    return (text.rstrip("0") if "." in text else text) + "Z"


def reference(kind: Kind, value: Any) -> str:
    """One value's JSON text, written the plain way."""
    if value is None:
        return "null"
    if kind in (Kind.INT, Kind.DECIMAL):
        return str(value)
    if kind in (Kind.JSON, Kind.ARRAY):
        return value.replace("\n", " ")
    if kind is Kind.BYTES:
        return json.dumps(base64.b64encode(value).decode())
    if kind is Kind.DATE:
        return json.dumps(value.isoformat())
    if kind in (Kind.TIMESTAMP, Kind.TIMESTAMPTZ):
        return json.dumps(_stamp(value))
    return json.dumps(value, ensure_ascii=False)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(RECORD, min_size=1, max_size=8))
@example([dict.fromkeys((one.name for one in COLUMNS), None)])
@example(
    [
        {
            **dict.fromkeys((one.name for one in COLUMNS), None),
            "day": datetime.date(1, 1, 1),
            "local": datetime.datetime(9999, 12, 31, 23, 59, 59, 999999),
            "at": datetime.datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=datetime.UTC),
            "amount": "-0.000001",
            "free": "1" + "0" * 200 + ".50",
            "ratio": -0.0,
        },
        {
            **dict.fromkeys((one.name for one in COLUMNS), None),
            "ratio": 5e-324,
            "day": datetime.date(9999, 12, 31),
        },
    ]
)
def test_every_column_as_it_is(records):
    for record, result in zip(records, render(None, COLUMNS, records), strict=True):
        assert result["error_message"] is None
        payload = result["payload"]
        assert "\n" not in payload
        assert "\r" not in payload
        given_, wanted = exact(payload), {}
        for one in COLUMNS:
            wanted[one.name] = exact(reference(one.kind, record[one.name]))
        assert given_ == wanted
        assert list(given_) == [one.name for one in COLUMNS]
        for name in ("amount", "free", "wide"):
            assert f'"{name}":{record[name] or "null"}' in payload
        if record["ratio"] is not None:
            assert float(given_["ratio"]) == record["ratio"]


@settings(max_examples=40, deadline=None)
@given(st.lists(RECORD, min_size=1, max_size=5))
def test_templates_and_text(records):
    fields = {
        "text": "<{{ name }}|{{ whole }}|{{ amount }}|{{ at }}|{{ day }}|{{ flag }}>",
        "hash": "{{ name | trim | lower | sha256 }}",
        "greeting": "Hi {{ name | default: 'there' }}!",
        "nested": {"list": ["$amount", {"deep": "$data"}], "constant": "x"},
    }
    for record, result in zip(records, render(fields, COLUMNS, records), strict=True):
        payload = exact(result["payload"])
        plain = ["name", "whole", "amount", "at", "day", "flag"]
        texts: list[str] = []
        for name in plain:
            kind = next(one.kind for one in COLUMNS if one.name == name)
            value = record[name]
            text = reference(kind, value)
            texts.append("" if value is None else json.loads(text) if text.startswith('"') else text)
        assert payload["text"] == "<" + "|".join(texts) + ">"
        assert payload["greeting"] == f"Hi {'there' if record['name'] is None else record['name']}!"
        if record["name"] is None:
            assert payload["hash"] is None
        elif record["name"].isascii():
            expected = hashlib.sha256(record["name"].strip(" \t\n\v\f\r").lower().encode()).hexdigest()
            assert payload["hash"] == expected
        assert payload["nested"]["list"][0] == (record["amount"] and Decimal(record["amount"]))
        assert payload["nested"]["list"][1]["deep"] == (record["data"] and exact(record["data"]))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_floats_that_json_lacks_refuse_their_record_with_the_field_named(value):
    columns = [column("ratio", Kind.FLOAT), column("name")]
    rows = [{"ratio": 1.0}, {"ratio": value}, {"ratio": 2.5}]
    results = render({"a": {"b": "$ratio"}}, columns, rows)
    assert [result["payload"] for result in results] == ['{"a":{"b":1.0}}', None, '{"a":{"b":2.5}}']
    assert results[1]["error_field"] == "a.b"
    assert [
        result["payload"] for result in render({"a": {"value": "$ratio", "when_nan": None}}, columns, rows)
    ] == [
        '{"a":1.0}',
        '{"a":null}',
        '{"a":2.5}',
    ]


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "nan", "1,5", "", "0x10", "1.", ".5", "--1"]
)
def test_decimals_that_are_no_json_number_refuse_their_record(text):
    columns = [column("amount", Kind.DECIMAL, "numeric")]
    result = render({"a": "$amount"}, columns, [{"amount": text}])[0]
    assert result["payload"] is None
    assert result["error_field"] == "a"


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_when_nan_null_also_covers_decimals(text):
    columns = [column("amount", Kind.DECIMAL, "numeric(10,2)")]
    for inner in ("$amount", "{{ amount }}"):
        result = render(
            {"a": {"value": inner, "when_nan": None, "when_null": "omit"}}, columns, [{"amount": text}]
        )
        assert result[0]["payload"] == "{}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[NaN]",
        "[Infinity]",
        '{"a": -Infinity}',
        "[1,]",
        '{"a":1,}',
        "[nan]",
        "[1, nan ]",
        "NaN",
        '{"a":[-Infinity]}',
        "'a'",
        "{a:1}",
        "[01]",
    ],
)
def test_what_is_no_json_refuses_its_record(text):
    columns = [column("data", Kind.JSON)]
    results = render({"a": "$data"}, columns, [{"data": text}, {"data": "1"}])
    assert results[0]["payload"] is None
    assert results[0]["error_field"] == "a"
    assert results[1]["payload"] == '{"a":1}'


@pytest.mark.parametrize(
    "text",
    ['{"info": "nan, infinity,]"}', '["\\",]"]', '"Infinity"', '{"NaN": null}', '"a\\\\"', "1e400", "1.50"],
)
def test_json_that_only_looks_wrong_is_sent_as_it_is(text):
    assert (
        render({"a": "$data"}, [column("data", Kind.JSON)], [{"data": text}])[0]["payload"]
        == f'{{"a":{text}}}'
    )


def test_json_is_put_on_one_line():
    text = '{\r\n  "a": [1,\n 2]\n}'
    payload = render({"a": "$data"}, [column("data", Kind.JSON)], [{"data": text}])[0]["payload"]
    assert "\n" not in payload
    assert json.loads(payload) == {"a": {"a": [1, 2]}}


@pytest.mark.parametrize(
    "steps", ["$data.a", "{{ data.a }}", "{{ data | get: 'a' }}", {"sql": "data ->> '$.a'"}]
)
def test_broken_json_reached_by_a_path_refuses_its_record(steps):
    columns = [column("data", Kind.JSON)]
    results = render({"x": steps}, columns, [{"data": "{"}, {"data": '{"a": "b"}'}, {}])
    assert [result["payload"] for result in results] == [None, '{"x":"b"}', '{"x":null}']
    assert results[0]["error_field"] == "x"


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([1, None], pa.int16()), ["1", "null"]),
        (pa.array([2**64 - 1, None], pa.uint64()), [str(2**64 - 1), "null"]),
        (pa.array([str(2**100), None]), [str(2**100), "null"]),
        (pa.array([str(2**100), None], pa.large_string()), [str(2**100), "null"]),
        (pa.array(["7", "8"]).dictionary_encode(), ["7", "8"]),
        (pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)), ["1.50", "null"]),
        (pa.array([None, None], pa.null()), ["null", "null"]),
    ],
)
def test_integers_in_every_carriage(array, expected):
    compiled = compile_mapping({"x": "$n"}, [column("n", Kind.INT)])
    with compiled.renderer() as renderer:
        results = renderer.render(pa.RecordBatch.from_arrays([array], names=["n"])).to_pylist()
    assert [result["payload"] for result in results] == [f'{{"x":{text}}}' for text in expected]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([0.1], pa.float32()), "0.1"),
        (pa.array([0.1], pa.float64()), "0.1"),
        (pa.array([1e300], pa.float64()), "1e300"),
        (pa.array([0], pa.timestamp("ns")), '"1970-01-01T00:00:00Z"'),
        (pa.array([1500], pa.timestamp("ms", "Europe/Berlin")), '"1970-01-01T00:00:01.5Z"'),
        (pa.array([datetime.date(2026, 1, 2)], pa.date64()), '"2026-01-02"'),
    ],
)
def test_other_carriages(array, expected):
    kind = Kind.FLOAT if pa.types.is_floating(array.type) else Kind.TIMESTAMP
    compiled = compile_mapping({"x": "$n"}, [column("n", kind)])
    with compiled.renderer() as renderer:
        result = renderer.render(pa.RecordBatch.from_arrays([array], names=["n"])).to_pylist()[0]
    assert result["payload"] == f'{{"x":{expected}}}'


@pytest.mark.parametrize("kind", [Kind.DATE, Kind.TIMESTAMP])
def test_days_outside_of_the_calendar_refuse_their_record(kind):
    far = pa.array([2_932_897, 10], pa.int32()).cast(pa.date32())
    array = far if kind is Kind.DATE else far.cast(pa.timestamp("us"))
    compiled = compile_mapping({"x": "$n"}, [column("n", kind)])
    with compiled.renderer() as renderer:
        results = renderer.render(pa.RecordBatch.from_arrays([array], names=["n"])).to_pylist()
    assert [result["error_field"] for result in results] == ["x", None]


def test_a_column_may_have_any_name():
    names = ['quo"te', "semi;colon", "r0", "k0", "fault", "payload", "document", "_key", "{{x}}", "ünï", "'"]
    columns = [column(name) for name in names]
    row = {name: f"value of {name}" for name in names}
    compiled = compile_mapping(None, columns)
    with compiled.renderer({"kept": "_seq", "size": "strlen(payload)"}) as renderer:
        result = renderer.render(batch(columns, [row], _seq=[5])).to_pylist()[0]
    assert json.loads(result["payload"]) == row
    assert result["kept"] == 5
    assert result["size"] == len(result["payload"].encode())
