"""The managed schema: made once by whoever comes first, and never over what is not ours."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from tests.integration.state.managed import Managed

from tailrace.errors import SourceError, StateError
from tailrace.sources.base import Session, Source
from tailrace.state import tables
from tailrace.state.checkpoint import read_checkpoint
from tailrace.state.names import StateNames


def ensure(source: Source, schema: str | None = None) -> str:
    with source.session() as session:
        return tables.ensure_schema(session, source.dialect, schema or source.schema)


def test_every_table_of_ours_carries_the_mark(managed: Managed) -> None:
    with managed.source.session() as session:
        present = {name for name, _ in session.rows(managed.dialect.list_tables(managed.names.schema))}
    names = managed.names
    assert present == managed.tables()
    assert present == {
        *("tailrace_meta", "sync_log"),
        *(names.checkpoints, names.progress, names.rejections, names.records),
    }
    assert managed.rows(f"SELECT owner, layout FROM {managed.table('tailrace_meta')}") == [("tailrace", 1)]


def test_creating_again_changes_nothing(managed: Managed) -> None:
    managed.sync(("added", "k1", 1, "x"))
    before = managed.checkpoint()
    managed.set_up()
    assert managed.checkpoint().row_count == before.row_count == 1
    assert len(managed.rows(f"SELECT 1 FROM {managed.table('tailrace_meta')}")) == 1


def test_many_may_create_at_once(source: Source) -> None:
    made = Managed(source, StateNames(source.schema, "map_12345678"))
    start = threading.Barrier(4)
    problems: list[Exception] = []

    def race() -> None:
        start.wait()
        try:
            made.set_up()
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert made.checkpoint().fence == 0


def test_there_is_no_checkpoint_before_the_first_sync_and_asking_creates_nothing(source: Source) -> None:
    names = StateNames(source.schema, "map_12345678")
    with source.session() as session:
        assert read_checkpoint(session, source.dialect, names) is None
        assert tables.find_schema(session, source.dialect, source.schema) is None


def test_an_existing_schema_is_reused_in_either_case(source: Source) -> None:
    if source.type == "duckdb":
        pytest.skip("DuckDB's schema names do not differ by case")
    with source.session() as session:
        session.execute(source.dialect.create_schema(source.schema.upper()))
    assert ensure(source) == source.schema.upper()
    with source.session() as session:
        session.execute(source.dialect.create_schema(source.schema))
    with pytest.raises(StateError, match="__SEGMENT_REVERSE_ETL and __segment_reverse_etl") as error:
        ensure(source)
    assert error.value.code == "state_ambiguous"


def test_a_table_that_another_process_is_about_to_mark_is_waited_for(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure(source)
    names = StateNames(source.schema, "map_12345678")
    d = source.dialect
    table = d.table(source.schema, names.progress)
    with source.session() as session:
        session.execute(d.create_table(table, [("kind", d.type_of("text"))]))
        monkeypatch.setattr(tables, "_WAIT", lambda _: session.execute(d.mark(table)))
        tables.ensure_mapping(session, d, names, source_id="s", model_id="m", project="p", mapping="map")
        assert {names.checkpoints, names.progress} <= tables.ours(session, d, source.schema)


class _LateCatalogue:
    """A session that says a table exists before it lists it."""

    def __init__(self, session: Session, name: str, looks: int) -> None:
        self._session, self._name, self.looks = session, name, looks

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        found = self._session.rows(query)
        shown = [row for row in found if row[0] != self._name]
        if self.looks and shown != found:
            self.looks -= 1
            return shown
        return found

    def execute(self, statement: str) -> int:
        try:
            return self._session.execute(statement)
        except SourceError as error:
            raise SourceError(error.message, hint=error.hint, code="source_exists") from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def test_a_table_that_another_process_has_made_is_waited_for_until_it_is_listed(source: Source) -> None:
    ensure(source)
    with source.session() as session:
        late: Any = _LateCatalogue(session, "sync_log", looks=4)
        tables.ensure_schema(late, source.dialect, source.schema)
        assert late.looks == 0


def test_a_foreign_table_is_never_touched(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_WAIT", lambda _: None)
    ensure(source)
    names = StateNames(source.schema, "map_12345678")
    table = source.dialect.table(source.schema, names.progress)
    with source.session() as session:
        session.execute(source.dialect.create_table(table, [("precious", "integer")]))
        with pytest.raises(StateError, match="not Tailrace's") as error:
            tables.ensure_mapping(
                session, source.dialect, names, source_id="s", model_id="m", project="p", mapping="map"
            )
        assert error.value.code == "state_foreign"
        assert session.rows(f"SELECT count(precious) FROM {table}") == [(0,)]


def test_a_newer_layout_is_refused_politely(source: Source) -> None:
    schema = ensure(source)
    with source.session() as session:
        session.execute(f"UPDATE {source.dialect.table(schema, 'tailrace_meta')} SET layout = 2")
    with pytest.raises(StateError, match="newer version") as error:
        ensure(source)
    assert error.value.code == "state_newer"
    assert "Upgrade" in error.value.hint


def test_a_damaged_checkpoint_says_so(managed: Managed) -> None:
    checkpoints = managed.table(managed.names.checkpoints)
    managed.execute(f"UPDATE {checkpoints} SET counts = 'not json'")
    with pytest.raises(StateError, match="cannot be read"):
        managed.checkpoint()
    managed.execute(f"DELETE FROM {checkpoints}")
    with pytest.raises(StateError, match="0 rows"):
        managed.checkpoint()
