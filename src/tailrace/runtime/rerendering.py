"""Finds the unchanged records that an edited mapping renders differently, and makes them part of the plan (R17)."""

from __future__ import annotations

# pyright: reportAttributeAccessIssue=false
# pyarrow.compute makes its functions when it is imported, where no checker sees them.
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tailrace.runtime.pinned import unpin
from tailrace.runtime.prepared import Prepared
from tailrace.runtime.requesting import Previous
from tailrace.sources.base import Session
from tailrace.state.columns import StoredColumn
from tailrace.state.names import StateNames
from tailrace.state.plan_read import OLD
from tailrace.state.rerender import keep_candidates, read_candidates

if TYPE_CHECKING:
    import pyarrow as pa

    from tailrace.mapping.compile import CompiledMapping


def old_mapping(previous: Previous, prepared: Prepared) -> CompiledMapping | None:
    """The mapping as it rendered what was delivered last; None where that cannot be known any more."""
    from tailrace.mapping.compile import compile_mapping

    if previous.spec is None:
        return None
    pinned = unpin(previous.spec)
    return compile_mapping(pinned.fields, pinned.columns, action_fields=prepared.target.action.fields)


def stored_for(compiled: CompiledMapping, columns: Sequence[StoredColumn]) -> tuple[StoredColumn, ...]:
    """Where the state holds the columns that a mapping reads, also those that no mapping has used since."""
    by_name = {column.name: replace(column, retired=False) for column in reversed(columns)}
    return tuple(by_name[name] for name in compiled.used_columns if name in by_name)


class Differing:
    """Renders records with the old and the new mapping and compares. Use it as a context manager."""

    def __init__(self, old: CompiledMapping, new: CompiledMapping) -> None:
        from tailrace.mapping.rerender import Comparison

        self._old = old.renderer(threads=2)
        self._new = new.renderer(threads=2)
        self._old_columns = old.used_columns
        self._comparison = Comparison(old.field_names, new.field_names)

    def __enter__(self) -> Differing:
        return self

    def __exit__(self, *_: object) -> None:
        self._old.close()
        self._new.close()
        self._comparison.__exit__(None, None, None)

    def rows(self, batch: pa.RecordBatch) -> pa.BooleanArray:
        """For each row (new columns by name, old ones as `_old_<name>`), whether it renders differently."""
        import pyarrow as pa

        names = [name for name in self._old_columns if OLD + name in batch.schema.names]
        old = pa.RecordBatch.from_arrays([batch.column(OLD + name) for name in names], names=names)
        was = self._old.render(old).column("payload")
        now = self._new.render(batch).column("payload")
        return self._comparison.differing(was, now)


def rerender(
    session: Session,
    prepared: Prepared,
    names: StateNames,
    table: str,
    wanted: Sequence[StoredColumn],
    previous: Previous,
) -> int:
    """Keep the candidates of a plan table that render differently as updates; gives their number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    old = old_mapping(previous, prepared)
    if old is None:
        return 0
    dialect = prepared.source.dialect
    kept: list[pa.Array] = []
    old_columns = stored_for(old, previous.columns)
    with Differing(old, prepared.compiled) as differing:
        for batch in read_candidates(session, dialect, names, table, wanted, old_columns):
            if batch.num_rows:
                kept.append(pc.filter(batch.column("_seq"), differing.rows(batch)))
    seqs = pa.chunked_array(kept, pa.int64())
    return keep_candidates(session, dialect, names, table, pa.table({"seq": seqs}))
