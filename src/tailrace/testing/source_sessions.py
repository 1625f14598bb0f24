"""Conformance of sessions: statements, transactions, uploads, streams, cancelling."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from tailrace.errors import Cancelled, FenceLost, SourceError, TailraceError
from tailrace.sources.base import Source
from tailrace.testing.source_kit import SourceKit

TEXTS = [
    "plain",
    "",
    None,
    " leading and trailing ",
    "trailing tab\t",
    "quote ' and \" and \\ and \\N and \\.",
    "comma, semicolon; line\nline\r\nreturn\r",
    "emoji 🦦, combining é, right-to-left שלום, CJK 水",
    "NULL",
    "{}",
    "x" * 100_000,
]
INTEGERS = [0, -1, 1, 2**31, 2**32 + 1, -(2**63), 2**63 - 1, None]


class SessionConformance(SourceKit):
    """What the state protocol asks of a session."""

    def test_statements_say_how_many_rows_they_touched(
        self, managed: Source, table: Callable[..., str]
    ) -> None:
        name = self.full(managed, table(("a", "bigint"), ("b", "text")))
        with managed.session() as session:
            rows = managed.dialect.constants("r", ["a", "b"], [["1", "'x'"], ["2", "'y'"], ["3", "NULL"]])
            assert session.execute(f"INSERT INTO {name} SELECT a, b FROM {rows}") == 3
            assert session.execute(f"UPDATE {name} SET b = 'z' WHERE a > 1") == 2
            assert session.execute(f"UPDATE {name} SET b = 'z' WHERE a > 99") == 0
            assert session.execute(f"DELETE FROM {name} WHERE a = 1") == 1
            assert session.execute(f"INSERT INTO {name} SELECT a, b FROM {name}") == 2
            assert sorted(session.rows(f"SELECT a, b FROM {name}")) == [
                (2, "z"),
                (2, "z"),
                (3, "z"),
                (3, "z"),
            ]
            assert session.rows(f"SELECT a FROM {name} WHERE a > 99") == []

    def test_a_statement_outside_a_transaction_is_kept(
        self, managed: Source, table: Callable[..., str]
    ) -> None:
        name = table(("a", "bigint"))
        with managed.session() as session:
            session.execute(f"INSERT INTO {self.full(managed, name)} VALUES (1)")
            assert self.count(managed, name) == 1

    def test_a_transaction_shows_all_at_once(self, managed: Source, table: Callable[..., str]) -> None:
        first, second = table(("a", "bigint")), table(("a", "bigint"))
        with managed.session() as session:
            with session.transaction():
                rows = managed.dialect.constants("r", ["a"], [["1"], ["2"]])
                session.execute(f"INSERT INTO {self.full(managed, first)} SELECT a FROM {rows}")
                session.upload(second, pa.table({"a": [1, 2, 3]}))
                assert (self.count(managed, first), self.count(managed, second)) == (0, 0)
            assert (self.count(managed, first), self.count(managed, second)) == (2, 3)

    def test_an_error_undoes_the_transaction_uploads_included(
        self, managed: Source, table: Callable[..., str]
    ) -> None:
        name = table(("a", "bigint"))
        with managed.session() as session:
            session.execute(f"INSERT INTO {self.full(managed, name)} VALUES (1)")

            def fail() -> None:
                with session.transaction():
                    session.upload(name, pa.table({"a": [2, 3]}))
                    session.execute(f"DELETE FROM {self.full(managed, name)} WHERE a = 1")
                    raise FenceLost("somebody else")

            with pytest.raises(FenceLost):
                fail()
            assert session.rows(f"SELECT a FROM {self.full(managed, name)}") == [(1,)]

    def test_a_failed_statement_undoes_the_transaction_and_leaves_the_session_usable(
        self, managed: Source, table: Callable[..., str]
    ) -> None:
        name = table(("a", "bigint"))
        with managed.session() as session:

            def fail() -> None:
                with session.transaction():
                    session.execute(f"INSERT INTO {self.full(managed, name)} VALUES (1)")
                    session.execute(f"INSERT INTO {self.full(managed, 'no_such_table')} VALUES (1)")

            with pytest.raises(SourceError):
                fail()
            assert session.rows(f"SELECT count(*) FROM {self.full(managed, name)}") == [(0,)]
            with session.transaction():
                session.execute(f"INSERT INTO {self.full(managed, name)} VALUES (1)")
        assert self.count(managed, name) == 1

    def test_a_transaction_with_an_overlooked_error_is_kept_or_says_that_it_is_not(
        self, managed: Source, table: Callable[..., str]
    ) -> None:
        name = table(("a", "bigint"))
        kept = 1
        with managed.session() as session:
            try:
                with session.transaction():
                    session.execute(f"INSERT INTO {self.full(managed, name)} VALUES (1)")
                    with contextlib.suppress(SourceError):
                        no_date = managed.dialect.select_one("CAST('x' AS date)")
                        session.execute(f"INSERT INTO {self.full(managed, name)} {no_date}")
            except SourceError:
                kept = 0
            assert session.rows(f"SELECT count(*) FROM {self.full(managed, name)}") == [(kept,)]

    def test_cancel_with_nothing_to_cancel_does_no_harm(self, managed: Source) -> None:
        with managed.session() as session:
            session.cancel()
            assert session.rows(managed.dialect.select_one("1 AS one")) == [(1,)]
        session.cancel()

    def test_a_session_that_ends_in_a_transaction_leaves_nothing(
        self, managed: Source, table: Callable[..., str]
    ) -> None:
        name = table(("a", "bigint"))

        def fail() -> None:
            with managed.session() as session, session.transaction():
                session.execute(f"INSERT INTO {self.full(managed, name)} VALUES (1)")
                raise Cancelled("stop")

        with pytest.raises(Cancelled):
            fail()
        assert self.count(managed, name) == 0

    def test_tables_are_made_and_renamed_within_a_transaction(
        self, managed: Source, table: Callable[..., str]
    ) -> None:
        old, dialect = table(("a", "bigint")), managed.dialect
        with managed.session() as session:

            def replace() -> None:
                made = dialect.create_table_as(self.full(managed, "made"), dialect.select_one("1 AS a"))
                session.execute(made)
                session.execute(dialect.drop_table(self.full(managed, old)))
                session.execute(dialect.rename_table(self.full(managed, "made"), old))

            def fail() -> None:
                with session.transaction():
                    replace()
                    raise FenceLost("somebody else")

            with pytest.raises(FenceLost):
                fail()
            assert session.rows(f"SELECT count(*) FROM {self.full(managed, old)}") == [(0,)]
            with session.transaction():
                replace()
            assert session.rows(f"SELECT a FROM {self.full(managed, old)}") == [(1,)]

    def test_of_two_compare_and_sets_one_wins(self, managed: Source, table: Callable[..., str]) -> None:
        name = self.full(managed, table(("fence", "bigint"), ("owner", "text")))
        with managed.session() as session:
            session.execute(f"INSERT INTO {name} VALUES (1, 'nobody')")
        won: list[str] = []
        codes: set[str] = set()
        start = threading.Barrier(4)

        def take(owner: str) -> None:
            with managed.session() as session:
                start.wait()
                try:
                    with session.transaction():
                        taken = session.execute(
                            f"UPDATE {name} SET fence = 2, owner = '{owner}' WHERE fence = 1"
                        )
                except SourceError as error:
                    codes.add(error.code)
                    taken = 0
            if taken:
                won.append(owner)

        threads = [threading.Thread(target=take, args=(f"owner {i}",)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with managed.session() as session:
            assert session.rows(f"SELECT fence, owner FROM {name}") == [(2, won[0])]
        assert len(won) == 1
        assert codes <= {"source_conflict"}

    def test_an_upload_keeps_every_value(self, managed: Source, table: Callable[..., str]) -> None:
        name = table(
            ("n", "bigint"),
            ("t", self.long_text),
            ("i", "integer"),
            ("b", "boolean"),
            ("moment", "timestamptz"),
        )
        times = [datetime(2026, 3, 29, 1, 30, 0, 123456, UTC), datetime(1969, 7, 20, tzinfo=UTC), None]
        rows = max(len(TEXTS), len(INTEGERS))
        longest = managed.limits.value_bytes
        texts = [text and text[:longest] for text in TEXTS]
        wanted: dict[str, list[Any]] = {
            "n": [INTEGERS[i % len(INTEGERS)] for i in range(rows)],
            "t": [texts[i % len(texts)] for i in range(rows)],
            "i": [[2**31 - 1, -(2**31), None][i % 3] for i in range(rows)],
            "b": [[True, False, None][i % 3] for i in range(rows)],
            "moment": [times[i % 3] for i in range(rows)],
        }
        data = pa.table(
            {
                "moment": pa.array(wanted["moment"], pa.timestamp("us", "UTC")),
                "t": pa.array(wanted["t"], pa.string()),
                "b": pa.array(wanted["b"], pa.bool_()),
                "n": pa.array(wanted["n"], pa.int64()),
                "i": pa.array(wanted["i"], pa.int32()),
            }
        )
        with managed.session() as session:
            assert session.upload(name, data) == rows
            back = session.read(f"SELECT n, t, i, b, moment FROM {self.full(managed, name)}").read_all()
        expected = sorted(zip(*wanted.values(), strict=True), key=repr)
        found = {name: back.column(name).to_pylist() for name in wanted}
        found["b"] = [None if value is None else bool(value) for value in found["b"]]
        found["moment"] = [_in_utc(value) for value in found["moment"]]
        assert sorted(zip(*found.values(), strict=True), key=repr) == expected

    def test_an_upload_fills_columns_that_it_lacks_with_null(
        self, managed: Source, table: Callable[..., str]
    ) -> None:
        name = table(("a", "bigint"), ("b", "text"), ("c", "text"))
        with managed.session() as session:
            assert session.upload(name, pa.table({"c": ["z"]})) == 1
            assert session.upload(name, pa.table({"c": pa.array([], pa.string())})) == 0
            assert session.rows(f"SELECT a, b, c FROM {self.full(managed, name)}") == [(None, None, "z")]

    def test_an_upload_of_many_chunks_arrives_whole(self, managed: Source, table: Callable[..., str]) -> None:
        name = table(("a", "bigint"), ("b", "text"))
        parts = [
            pa.table({"a": list(range(k, k + 7_000)), "b": ["x"] * 7_000}) for k in range(0, 70_000, 7_000)
        ]
        with managed.session() as session:
            assert session.upload(name, pa.concat_tables(parts)) == 70_000
            sums = session.rows(f"SELECT count(*), sum(a) FROM {self.full(managed, name)}")
        assert [int(v) for v in sums[0]] == [70_000, sum(range(70_000))]

    def test_an_upload_into_a_missing_table_or_column_is_an_error(
        self, managed: Source, table: Callable[..., str]
    ) -> None:
        name = table(("a", "bigint"))
        with managed.session() as session:
            with pytest.raises(SourceError):
                session.upload("no_such_table", pa.table({"a": [1]}))
            with pytest.raises(SourceError):
                session.upload(name, pa.table({"no_such_column": [1]}))
            session.upload(name, pa.table({"a": [1]}))
        assert self.count(managed, name) == 1

    def test_a_stream_comes_in_bounded_batches(self, managed: Source) -> None:
        rows = 400_000
        with managed.session() as session:
            reader = session.read(f"SELECT n, 'some text of a record' AS t FROM ({self.numbers(rows)}) AS x")
            assert reader.schema.names == ["n", "t"]
            total = seen = largest = 0
            for batch in reader:
                total += batch.num_rows
                seen += 1
                largest = max(largest, batch.num_rows)
        assert total == rows
        assert seen > 1
        assert largest <= rows // 2

    def test_a_stream_may_be_left_early_or_be_empty(self, managed: Source) -> None:
        with managed.session() as session:
            reader = session.read(f"SELECT n FROM ({self.numbers(1_000_000)}) AS x")
            assert reader.read_next_batch().num_rows > 0
            reader.close()
            empty = session.read(f"SELECT n FROM ({self.numbers(10)}) AS x WHERE n > 10").read_all()
            assert empty.num_rows == 0
            assert empty.schema.names == ["n"]
            assert session.rows(managed.dialect.select_one("1 AS one")) == [(1,)]
        with managed.session() as session:
            session.read(f"SELECT n FROM ({self.numbers(1_000_000)}) AS x").read_next_batch()

    def test_statements_run_while_a_stream_is_open(self, managed: Source, table: Callable[..., str]) -> None:
        name = table(("a", "bigint"))
        with managed.session() as session:
            reader = session.read(f"SELECT n FROM ({self.numbers(300_000)}) AS x")
            rows = reader.read_next_batch().num_rows
            with session.transaction():
                session.upload(name, pa.table({"a": [1, 2]}))
            for batch in reader:
                rows += batch.num_rows
        assert rows == 300_000
        assert self.count(managed, name) == 2

    def test_a_stream_in_a_transaction_sees_what_it_wrote(
        self, managed: Source, table: Callable[..., str]
    ) -> None:
        name = table(("a", "bigint"), ("b", "boolean"), ("c", "text"))
        with managed.session() as session:
            yes = managed.dialect.literal(True)
            session.execute(f"INSERT INTO {self.full(managed, name)} VALUES (1, {yes}, '')")
            with session.transaction():
                session.upload(name, pa.table({"a": [2], "c": ["x"]}))
                query = f"SELECT a, b, c FROM {self.full(managed, name)} ORDER BY a"
                inside = session.read(query).read_all()
                session.execute(f"DELETE FROM {self.full(managed, name)} WHERE a = 1")
            outside = session.read(query).read_all()
        assert inside.to_pylist() == [{"a": 1, "b": True, "c": ""}, {"a": 2, "b": None, "c": "x"}]
        assert outside.schema.equals(inside.schema)

    def test_a_stream_that_fails_says_so(self, managed: Source, table: Callable[..., str]) -> None:
        name = table(("a", "bigint"))
        with managed.session() as session:
            session.execute(
                f"INSERT INTO {self.full(managed, name)} SELECT n FROM ({self.numbers(200_000)}) AS x"
            )
            with pytest.raises(SourceError):
                session.read(f"SELECT 'x' AS t FROM {self.full(managed, 'no_such_table')}").read_all()
            assert session.rows(managed.dialect.select_one("1 AS one")) == [(1,)]

    def test_cancel_from_another_thread_ends_the_statement(self, managed: Source) -> None:
        with managed.session() as session:
            error = _ended(lambda: session.rows(self.endless()), session.cancel)
            assert isinstance(error, Cancelled)
        with managed.session() as session:
            error = _ended(lambda: session.read(self.endless()).read_all(), session.cancel)
            assert isinstance(error, Cancelled)
            assert session.rows(managed.dialect.select_one("1 AS one")) == [(1,)]

    def test_another_process_can_cancel_what_outlives_its_client(self, managed: Source) -> None:
        with managed.session() as session:
            job = session.job
            if job is None:
                pytest.skip("nothing of this warehouse outlives its client")
            error = _ended(lambda: session.rows(self.endless()), lambda: managed.cancel(job))
            assert isinstance(error, SourceError)
            assert error.code == "source_cancelled"
        managed.cancel(job)

    def test_sessions_work_side_by_side(self, managed: Source, table: Callable[..., str]) -> None:
        name = table(("a", "bigint"))
        errors: list[BaseException] = []

        def work(number: int) -> None:
            try:
                with managed.session() as session:
                    for i in range(5):
                        session.upload(name, pa.table({"a": [number * 100 + i]}))
                        session.read(f"SELECT n FROM ({self.numbers(20_000)}) AS x").read_all()
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert self.count(managed, name) == 20


def _in_utc(moment: datetime | None) -> datetime | None:
    """A time of ours; in UTC also where the warehouse has no type that says so."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _ended(run: Callable[[], object], cancel: Callable[[], None]) -> BaseException | None:
    """Run in a thread, cancel until it ends, and give the error with which it did."""
    caught: list[BaseException] = []

    def target() -> None:
        try:
            run()
        except TailraceError as error:
            caught.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    while thread.is_alive():
        cancel()
        thread.join(0.05)
    return caught[0] if caught else None
