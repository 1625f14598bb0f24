"""What counts as a change of a value (R13, R15), on both warehouses."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.integration.state.shop import Shop


@dataclass(frozen=True)
class Case:
    """A column's first and second expression."""

    before: str
    after: str
    only: str = ""


SAME = {
    "int": Case("1", "CAST(1 AS bigint)"),
    "int to decimal": Case("CAST(5 AS integer)", "CAST(5 AS decimal(20, 2))"),
    "decimal scale": Case("CAST(1.5 AS decimal(10, 2))", "CAST(1.500 AS decimal(20, 5))"),
    "decimal narrowed": Case("CAST(1.5 AS decimal(20, 5))", "CAST(1.5 AS decimal(10, 2))"),
    "decimal to double": Case("CAST(0.1 AS decimal(10, 2))", "CAST(0.1 AS double precision)"),
    "double to decimal": Case("CAST(0.1 AS double precision)", "CAST(0.1 AS decimal(10, 2))"),
    "real to double": Case("CAST(0.1 AS real)", "CAST(CAST(0.1 AS real) AS double precision)"),
    "nan": Case("CAST('NaN' AS double precision)", "CAST('NaN' AS double precision)"),
    "char padding": Case("CAST('a' AS char(5))", "CAST('a' AS char(10))"),
    "char to text": Case("CAST('a' AS char(5))", "CAST('a' AS text)"),
    "date to timestamp": Case("DATE '2024-01-01'", "TIMESTAMP '2024-01-01 00:00:00'"),
    "timestamp to timestamptz": Case(
        "TIMESTAMP '2024-01-01 10:00:00'", "CAST('2024-01-01 12:00:00+02' AS timestamp with time zone)"
    ),
    "json key order": Case("""CAST('{"a": 1, "b": 2}' AS json)""", """CAST('{"b":2,"a":1}' AS json)"""),
    "json number format": Case("""CAST('{"a": 1}' AS json)""", """CAST('{"a": 1.00}' AS json)"""),
    "json repeated name": Case("""CAST('{"a": 1, "a": 2}' AS json)""", """CAST('{"a": 2}' AS json)"""),
    "json to jsonb": Case("CAST('[1, 2]' AS json)", "CAST('[1,2]' AS jsonb)", "postgres"),
    "uuid": Case(
        "CAST('550E8400-E29B-41D4-A716-446655440000' AS uuid)",
        "CAST('550e8400-e29b-41d4-a716-446655440000' AS uuid)",
    ),
    "int array widened": Case("ARRAY[1, 2]", "CAST(ARRAY[1, 2] AS bigint[])"),
    "xml": Case("CAST('<a/>' AS xml)", "CAST('<a/>' AS xml)", "postgres"),
    "citext": Case("CAST('a' AS varchar(3))", "CAST('a' AS varchar(5))"),
    "enum": Case("'a'", "CAST('a' AS ENUM('a', 'b'))", "duckdb"),
    "struct field order": Case("{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}", "duckdb"),
    "hugeint": Case("CAST(1 AS integer)", "CAST(1 AS hugeint)", "duckdb"),
    "interval": Case("INTERVAL '1 day'", "INTERVAL '1 day'"),
    "null": Case("CAST(NULL AS integer)", "CAST(NULL AS integer)"),
    "bytes": Case("CAST('ab' AS bytea)", "CAST('ab' AS bytea)"),
}

OTHER = {
    "case": Case("'a'", "'A'"),
    "trailing space": Case("'a'", "'a '"),
    "empty and null": Case("''", "CAST(NULL AS text)"),
    "int": Case("1", "2"),
    "big ints beyond a double": Case("9007199254740993", "9007199254740992"),
    "decimal": Case("CAST(1.10 AS decimal(20, 2))", "CAST(1.11 AS decimal(20, 2))"),
    "decimals beyond a double": Case(
        "CAST('12345678901234567890.1' AS decimal(38, 1))", "CAST('12345678901234567890.2' AS decimal(38, 1))"
    ),
    "nan and null": Case("CAST('NaN' AS double precision)", "CAST(NULL AS double precision)"),
    "one ulp": Case("CAST(0.1 AS double precision)", "CAST(0.10000000000000002 AS double precision)"),
    "json value": Case("CAST('[1]' AS json)", "CAST('[2]' AS json)"),
    "json order of items": Case("CAST('[1, 2]' AS json)", "CAST('[2, 1]' AS json)"),
    "json null and sql null": Case("CAST('null' AS json)", "CAST(NULL AS json)"),
    "json null and missing": Case("""CAST('{"a": null}' AS json)""", "CAST('{}' AS json)"),
    "json number and text": Case("CAST('[1]' AS json)", """CAST('["1"]' AS json)"""),
    "json big numbers": Case(
        "CAST('[12345678901234567890123]' AS json)", "CAST('[12345678901234567890124]' AS json)"
    ),
    "json long decimals": Case(
        "CAST('[0.1234567890123456789]' AS json)", "CAST('[0.1234567890123456788]' AS json)"
    ),
    "json text that looks like numbers": Case(
        """CAST('["1.0,1.00"]' AS json)""", """CAST('["1,1"]' AS json)"""
    ),
    "json text with a quote": Case(r"""CAST('["a\"1.0"]' AS json)""", r"""CAST('["a\"1.00"]' AS json)"""),
    "array": Case("ARRAY[1, 2]", "ARRAY[2, 1]"),
    "array with null": Case("ARRAY[1, NULL]", "ARRAY[1]"),
    "month and 30 days": Case("INTERVAL '1 month'", "INTERVAL '30 days'"),
    "microseconds": Case("TIMESTAMP '2024-01-01 10:00:00.000001'", "TIMESTAMP '2024-01-01 10:00:00.000002'"),
    "renamed struct field": Case("{'a': 1}", "{'b': 1}", "duckdb"),
    "bool": Case("TRUE", "FALSE"),
    "bytes": Case("CAST('ab' AS bytea)", "CAST('aB' AS bytea)"),
    "point": Case("CAST('(1,2)' AS point)", "CAST('(1.0000000000001,2)' AS point)", "postgres"),
}


def cases(shop: Shop, listed: dict[str, Case], *without: str) -> list[tuple[str, Case]]:
    """The cases that this warehouse has."""
    return [
        (name, case)
        for name, case in listed.items()
        if case.only in ("", shop.source.type) and name not in without
    ]


def unequal(shop: Shop, listed: list[tuple[str, Case]]) -> set[str]:
    """Which cases' second value is a change of their first: each case has a row, and a column that changes in it."""

    def model(*, changed: bool) -> str:
        columns = "".join(
            f", CASE WHEN id = {number} THEN {case.after if changed else case.before} ELSE {case.before} END AS v{number}"
            for number, (_, case) in enumerate(listed)
        )
        ids = " UNION ALL ".join(f"SELECT {number} AS id" for number in range(len(listed)))
        return f"SELECT id{columns} FROM ({ids}) AS ids"

    shop.sync(model(changed=False))
    assert shop.plan(model(changed=False)).changes() == {}
    changes = shop.sync(model(changed=True)).changes()
    assert changes.keys() <= {"updated"}
    assert shop.plan(model(changed=True)).changes() == {}
    return {listed[int(key or "")][0] for key in changes.get("updated", [])}


@pytest.mark.parametrize("remember", ["values", "checksum"])
def test_r13_a_change(shop: Shop, remember: str) -> None:
    shop.remember = remember
    listed = cases(shop, OTHER)
    assert {name for name, _ in listed} - unequal(shop, listed) == set()


TOLD_APART_BY_CHECKSUM = ("json number format", "double to decimal")


@pytest.mark.parametrize("remember", ["values", "checksum"])
def test_r15_no_change(shop: Shop, remember: str) -> None:
    shop.remember = remember
    listed = cases(shop, SAME, *(TOLD_APART_BY_CHECKSUM if remember == "checksum" else ()))

    def model(*, changed: bool) -> str:
        return "SELECT 1 AS id" + "".join(
            f", {case.after if changed else case.before} AS v{number}"
            for number, (_, case) in enumerate(listed)
        )

    shop.sync(model(changed=False))
    planned = shop.sync(model(changed=True))
    assert planned.changes() == {}, different(shop, model(changed=True), listed)
    assert shop.sync(model(changed=True)).changes() == {}
    assert shop.sync(model(changed=False)).changes() == {}, "the wider type stays"


def different(shop: Shop, changed: str, listed: list[tuple[str, Case]]) -> list[str]:
    """Cases whose value looks different."""
    rows = [row for row in shop.preview(changed) if row["_operation"] == "updated"]
    return [
        f"{name}: {row[f'_old_v{number}']} {row[f'v{number}']}"
        for row in rows
        for number, (name, _) in enumerate(listed)
        if row[f"_old_v{number}"] != row[f"v{number}"]
    ]


def test_r15_column_order_is_no_change(shop: Shop) -> None:
    for remember in ("values", "checksum"):
        shop.remember = remember
        shop.forget()
        shop.sync("SELECT 1 AS id, 'x' AS a, 'y' AS b")
        assert shop.sync("SELECT 'y' AS b, 'x' AS a, 1 AS id").changes() == {}
        assert shop.plan("SELECT 'x' AS b, 'y' AS a, 1 AS id").changes() == {"updated": ["1"]}


def test_r13_length_prefixes_keep_values_apart(shop: Shop) -> None:
    shop.remember = "checksum"
    shop.sync("SELECT 1 AS id, 'ab' AS a, 'c' AS b UNION ALL SELECT 2, '1:a', ''")
    planned = shop.plan("SELECT 1 AS id, 'a' AS a, 'bc' AS b UNION ALL SELECT 2, '', '1:a'")
    assert planned.changes() == {"updated": ["1", "2"]}


def test_r15_text_json_with_a_nul_escape_is_compared_by_text(shop: Shop) -> None:
    before, after = r"""CAST('["\u0000", 1]' AS json)""", r"""CAST('["\u0000", 2]' AS json)"""
    for remember in ("values", "checksum"):
        shop.remember = remember
        shop.forget()
        assert unequal(shop, [("nul", Case(before, after))]) == {"nul"}


def test_r15_old_and_new_values_are_shown_side_by_side(shop: Shop) -> None:
    shop.sync("SELECT 1 AS id, CAST(1.50 AS decimal(10, 2)) AS v, CAST('{\"a\": 1}' AS json) AS j")
    model = "SELECT 1 AS id, CAST(2.50 AS decimal(10, 2)) AS v, CAST('{\"a\": 1}' AS json) AS j"
    (row,) = (row for row in shop.preview(model) if row["_seq"] is not None)
    assert (row["_operation"], row["_old_v"], row["v"], row["_old_j"]) == (
        "updated",
        "1.50",
        "2.50",
        '{"a": 1}',
    )
