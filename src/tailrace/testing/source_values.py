"""Conformance of values: what is stored, read back, compared and digested, exactly (R6, R13, R15)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from tailrace.sources.base import Column, Kind, Source
from tailrace.testing.source_kit import SourceKit

VALUES: dict[Kind, Sequence[tuple[str | None, Any]]] = {
    Kind.BOOL: [("true", True), ("false", False), (None, None)],
    Kind.INT: [(str(n), n) for n in (0, -1, 2**31, 2**63 - 1, -(2**63))] + [(None, None)],
    Kind.FLOAT: [("0.1", 0.1), ("-1.5e300", -1.5e300), ("Infinity", math.inf), (None, None)],
    Kind.TEXT: [(t, t) for t in ("", " a ", "A", "a", "it's", "line\nline", "🦦 é", "\\N")] + [(None, None)],
    Kind.DATE: [("2026-02-28", date(2026, 2, 28)), ("1969-12-31", date(1969, 12, 31)), (None, None)],
    Kind.TIMESTAMP: [
        ("2026-03-29 01:30:00.123456", datetime(2026, 3, 29, 1, 30, 0, 123456)),
        (None, None),
    ],
    Kind.TIMESTAMPTZ: [
        ("2026-03-29 01:30:00.123456+00", datetime(2026, 3, 29, 1, 30, 0, 123456, UTC)),
        ("2026-07-01 00:00:00+02", datetime(2026, 6, 30, 22, tzinfo=UTC)),
        (None, None),
    ],
}

DIFFERENT: dict[Kind, list[tuple[str | None, str | None]]] = {
    Kind.BOOL: [("true", "false"), ("false", None)],
    Kind.INT: [("1", str(2**32)), ("0", None), ("0", str(2**32)), ("-1", str(2**32 - 1))],
    Kind.DECIMAL: [("12345678901234567890", "23456789012345678901"), ("0.1", "0.1000000001"), ("0", None)],
    Kind.FLOAT: [("0.1", "0.10000000000000002"), ("NaN", None), ("NaN", "0"), ("1e300", "Infinity")],
    Kind.TEXT: [("a", "A"), ("a", "a "), ("", None), ("é", "e"), ("é", "e\u0301"), ("1", "01"), ("", " ")],
    Kind.DATE: [("2026-01-01", "2026-01-02"), ("2026-01-01", None)],
    Kind.TIMESTAMP: [("2026-01-01 00:00:00", "2026-01-01 00:00:00.000001")],
    Kind.TIMESTAMPTZ: [("2026-01-01 00:00:00+00", "2026-01-01 00:00:00+01")],
}
SAME: dict[Kind, list[tuple[str | None, str | None]]] = {
    Kind.DECIMAL: [("1.50", "1.5"), ("0", "0.000")],
    Kind.FLOAT: [("NaN", "NaN"), ("1", "1.0"), (None, None)],
    Kind.TIMESTAMPTZ: [("2026-07-01 00:00:00+02", "2026-06-30 22:00:00+00")],
    Kind.TEXT: [(None, None), ("", "")],
    Kind.BOOL: [("true", "true")],
}


class ValueConformance(SourceKit):
    """Values of every type that the warehouse has, through the dialect's own expressions."""

    def _kinds(self, *kinds: Kind) -> list[Kind]:
        return [kind for kind in kinds or self.types if kind in self.types]

    def test_values_are_stored_and_read_back_exactly(self, managed: Source) -> None:
        dialect = managed.dialect
        for kind in self._kinds(*VALUES):
            (column,) = self.columns(managed, self.value(kind, VALUES[kind][0][0]))
            assert column.kind is kind
            stored = dialect.storage(column)
            selects = [
                dialect.select_one(f"{n} AS n, {dialect.store_expr(self.value(kind, text), column)} AS v")
                for n, (text, _) in enumerate(self._values(kind))
            ]
            back = self._through(managed, " UNION ALL ".join(selects), dialect.read_expr("v", stored))
            assert back.to_pylist() == [value for _, value in self._values(kind)], kind

    def _values(self, kind: Kind) -> list[tuple[str | None, Any]]:
        return [pair for pair in VALUES[kind] if pair[0] not in self.lacks]

    def test_decimals_keep_all_their_digits(self, managed: Source) -> None:
        dialect = managed.dialect
        (column,) = self.columns(managed, self.value(Kind.DECIMAL, "1"))
        selects = [
            dialect.select_one(f"{n} AS n, {dialect.store_expr(self.value(Kind.DECIMAL, text), column)} AS v")
            for n, text in enumerate(self.decimals)
        ]
        back = self._through(
            managed, " UNION ALL ".join(selects), dialect.read_expr("v", dialect.storage(column))
        )
        assert pa.types.is_string(back.type)
        assert [_plain(text) for text in back.to_pylist()] == self.decimals

    def test_not_a_number_stays_one(self, managed: Source) -> None:
        if "NaN" in self.lacks:
            pytest.skip("the warehouse's numbers all are numbers")
        dialect = managed.dialect
        (column,) = self.columns(managed, self.value(Kind.FLOAT, "1"))
        select = dialect.select_one(
            f"1 AS n, {dialect.store_expr(self.value(Kind.FLOAT, 'NaN'), column)} AS v"
        )
        (value,) = self._through(managed, select, dialect.read_expr("v", dialect.storage(column))).to_pylist()
        assert math.isnan(value)

    def test_bytes_of_any_value_and_of_none(self, managed: Source) -> None:
        wanted = [b"", b"\x00", bytes(range(256)), None]
        dialect = managed.dialect
        (column,) = self.columns(managed, self.bytes_value(b"x"))
        assert column.kind is Kind.BYTES
        values = [
            f"NULLIF({self.bytes_value(b'')}, {self.bytes_value(b'')})" if v is None else self.bytes_value(v)
            for v in wanted
        ]
        selects = [
            dialect.select_one(f"{n} AS n, {dialect.store_expr(v, column)} AS v")
            for n, v in enumerate(values)
        ]
        back = self._through(
            managed, " UNION ALL ".join(selects), dialect.read_expr("v", dialect.storage(column))
        )
        assert back.to_pylist() == wanted

    def _through(self, source: Source, select: str, shown: str) -> pa.ChunkedArray:
        name = self.full(source, "kit_values")
        with source.session() as session:
            session.execute(source.dialect.create_table_as(name, select))
            try:
                return session.read(f"SELECT {shown} AS v FROM {name} ORDER BY n").read_all().column("v")
            finally:
                session.execute(source.dialect.drop_table(name))

    @pytest.mark.parametrize("kind", list(DIFFERENT))
    def test_different_values_differ_and_have_other_checksums(self, managed: Source, kind: Kind) -> None:
        for left, right in self._pairs(kind, DIFFERENT):
            differs, equal = self._compare(managed, kind, left, right)
            assert differs, f"{left!r} and {right!r} must differ"
            assert not equal, f"{left!r} and {right!r} must have different checksums"

    @pytest.mark.parametrize("kind", list(SAME))
    def test_equal_values_are_no_change(self, managed: Source, kind: Kind) -> None:
        for left, right in self._pairs(kind, SAME):
            differs, equal = self._compare(managed, kind, left, right)
            assert not differs, f"{left!r} and {right!r} are the same"
            assert equal, f"{left!r} and {right!r} must have the same checksum"

    def _pairs(
        self, kind: Kind, pairs: dict[Kind, list[tuple[str | None, str | None]]]
    ) -> list[tuple[str | None, str | None]]:
        wanted = pairs[kind] if kind in self.types else []
        return [pair for pair in wanted if not self.lacks & set(pair)]

    def _compare(self, source: Source, kind: Kind, left: str | None, right: str | None) -> tuple[bool, bool]:
        dialect = source.dialect
        (column,) = self.columns(source, self.value(kind, None))
        stored = dialect.storage(column)
        a, b = (dialect.store_expr(self.value(kind, text), column) for text in (left, right))
        differs, equal = self.one(
            source,
            dialect.truth(dialect.differs(a, b, stored)),
            dialect.truth(f"{dialect.checksum([(a, stored)])} = {dialect.checksum([(b, stored)])}"),
        )
        return bool(differs), bool(equal)

    def test_a_checksum_tells_where_one_value_ends(self, managed: Source) -> None:
        tricky: list[list[str | None]] = [
            ["ab", "c"],
            ["a", "bc"],
            ["abc", ""],
            ["", "abc"],
            ["abc", None],
            [None, "abc"],
            ["1:a", "b"],
            ["1", ":ab"],
            ["", ""],
            ["", None],
            [None, None],
            ["-", "-"],
        ]
        dialect = managed.dialect
        (column,) = self.columns(managed, self.value(Kind.TEXT, "x"))
        expressions = [
            dialect.checksum([(self.value(Kind.TEXT, text), dialect.storage(column)) for text in pair])
            for pair in tricky
        ]
        sums = self.one(managed, *expressions)
        assert len(set(sums)) == len(tricky)
        assert {len(text) for text in sums} in ({64}, {44}), "SHA-256 in hexadecimal or in base64"

    @pytest.mark.parametrize(
        ("kind", "text", "canonical"),
        [
            (Kind.INT, "42", "42"),
            (Kind.INT, "-9223372036854775808", "-9223372036854775808"),
            (Kind.DECIMAL, "42", "42"),
            (Kind.DECIMAL, "100", "100"),
            (Kind.DECIMAL, "-42.50", "-42.5"),
            (Kind.DECIMAL, "0.00", "0"),
            (Kind.TEXT, "A b", "A b"),
            (Kind.TEXT, "a ", "a "),
            (Kind.DATE, "2026-01-31", "2026-01-31"),
            (Kind.TIMESTAMPTZ, "2026-07-01 00:00:00.5+02", "2026-06-30T22:00:00.5Z"),
        ],
    )
    def test_a_key_has_one_canonical_text(
        self, managed: Source, kind: Kind, text: str, canonical: str
    ) -> None:
        if kind not in self.types:
            pytest.skip(f"the warehouse has no type of kind {kind}")
        assert self._keys(managed, [self.value(kind, text)]) == (canonical,)

    def test_a_composite_key_is_a_json_array(self, managed: Source) -> None:
        keys = [self.value(Kind.TEXT, 'a"b\\'), self.value(Kind.INT, "7")]
        assert self._keys(managed, keys) == ('["a\\"b\\\\","7"]',)
        assert self._keys(managed, [self.value(Kind.TEXT, None), keys[1]]) == (None,)

    def _keys(self, source: Source, expressions: list[str]) -> tuple[Any, ...]:
        columns = self.columns(source, *expressions)
        named = ", ".join(f"{e} AS {c.name}" for e, c in zip(expressions, columns, strict=True))
        with source.session() as session:
            (row,) = session.rows(
                f"SELECT {source.dialect.key_text(columns, 'm')} AS k FROM ({source.dialect.select_one(named)}) AS m"
            )
        return row

    @pytest.mark.parametrize(
        ("text", "problem"),
        [(None, "null"), ("", "empty"), (" ", "blank"), ("\u3000\t\n", "blank"), ("a", None), (" a ", None)],
    )
    def test_a_key_that_names_nothing_is_found(
        self, managed: Source, text: str | None, problem: str | None
    ) -> None:
        columns = [Column("k", Kind.TEXT, self.columns(managed, self.value(Kind.TEXT, "x"))[0].native)]
        with managed.session() as session:
            found = session.rows(
                f"SELECT {managed.dialect.key_problem(columns, 'm')} AS p "
                f"FROM ({managed.dialect.select_one(f'{self.value(Kind.TEXT, text)} AS k')}) AS m"
            )
        assert found == [(problem,)]

    def test_keys_are_told_apart_and_sorted_byte_by_byte(
        self, managed: Source, table: Callable[..., str]
    ) -> None:
        keys = ["a", "A", "a ", "é", "e\u0301", "Z", "10", "9", "_", "ß", "ss"]
        name = table(("k", "text"))
        binary = managed.dialect.binary("k")
        exact = managed.dialect.exact(binary)
        with managed.session() as session:
            session.upload(name, pa.table({"k": keys}))
            distinct = session.rows(f"SELECT count(DISTINCT {exact}) FROM {self.full(managed, name)}")
            ordered = session.rows(f"SELECT k FROM {self.full(managed, name)} ORDER BY {binary}")
        assert distinct == [(len(keys),)]
        if exact == binary:  # elsewhere a digest decides
            assert [k for (k,) in ordered] == sorted(keys, key=str.encode)

    def test_a_bucket_depends_on_the_key_alone(self, managed: Source) -> None:
        query = (
            f"SELECT {managed.dialect.bucket('k')} AS b FROM "
            f"(SELECT CAST(n AS {managed.dialect.type_of('text')}) AS k "
            f"FROM ({self.numbers(5_000)}) AS x) AS y"
        )
        with managed.session() as session:
            first = [int(b) for (b,) in session.rows(query)]
        with managed.session() as session:
            again = [int(b) for (b,) in session.rows(query)]
        assert sorted(first) == sorted(again)
        assert set(first) <= set(range(256))
        assert len(set(first)) > 200

    def test_a_wider_type_keeps_the_values(self, managed: Source, table: Callable[..., str]) -> None:
        dialect = managed.dialect
        name = table(("v", "integer"))
        narrow = Column("v", Kind.INT, dialect.type_of("integer"))
        wide = Column("v", Kind.INT, dialect.type_of("bigint"))
        target = dialect.widen(dialect.storage(narrow), dialect.storage(wide))
        assert target is not None
        with managed.session() as session:
            rows = dialect.constants("r", ["v"], [["7"], ["NULL"]])
            session.execute(f"INSERT INTO {self.full(managed, name)} SELECT v FROM {rows}")
            session.execute(dialect.alter_type(self.full(managed, name), "v", target.native))
            session.execute(f"INSERT INTO {self.full(managed, name)} VALUES ({2**40})")
            rows = session.rows(f"SELECT v FROM {self.full(managed, name)} WHERE v IS NOT NULL ORDER BY v")
        assert rows == [(7,), (2**40,)]

    def test_the_warehouse_has_a_clock(self, managed: Source) -> None:
        first, later = self.one(
            managed, managed.dialect.now(), managed.dialect.plus_seconds(managed.dialect.now(), 90.5)
        )
        assert first.utcoffset().total_seconds() == 0
        assert 90 <= (later - first).total_seconds() <= 100
        (second,) = self.one(managed, managed.dialect.now())
        assert second > first


def _plain(text: str) -> str:
    """A decimal's text without needless zeros."""
    return text.rstrip("0").rstrip(".") if "." in text else text
