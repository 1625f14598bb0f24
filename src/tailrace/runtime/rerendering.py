"""Finds the unchanged records that an edited mapping renders differently, and makes them part of the plan (R17)."""

from __future__ import annotations

# pyright: reportAttributeAccessIssue=false
# pyarrow.compute makes its functions when it is imported, where no checker sees them.
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tailrace.runtime.pinned import unpin
from tailrace.runtime.prepared import Prepared
from tailrace.runtime.requesting import Previous
from tailrace.sources.base import Session
from tailrace.state.columns import StoredColumn
from tailrace.state.names import StateNames
from tailrace.state.plan_read import OLD, SYNCED
from tailrace.state.rerender import keep_candidates, read_candidates

if TYPE_CHECKING:
    import pyarrow as pa

    from tailrace.mapping.compile import CompiledMapping


@dataclass(frozen=True, slots=True)
class OldMapping:
    """A mapping as it rendered what was delivered by the syncs before number `until`; None: by all later ones."""

    compiled: CompiledMapping
    until: int | None


def old_mappings(previous: Previous, prepared: Prepared) -> tuple[OldMapping, ...]:
    """The versions of the mapping that rendered what the destination holds, in their order."""
    from tailrace.mapping.compile import compile_mapping

    fields = prepared.target.action.fields
    found = [(unpin(each.spec), each.until) for each in previous.renderings]
    return tuple(
        OldMapping(compile_mapping(pinned.fields, pinned.columns, action_fields=fields), until)
        for pinned, until in found
    )


def stored_for(old: Sequence[OldMapping], columns: Sequence[StoredColumn]) -> tuple[StoredColumn, ...]:
    """Where the state holds the columns that these mappings read, also those that no mapping has used since."""
    by_name = {column.name: replace(column, retired=False) for column in reversed(columns)}
    names = dict.fromkeys(name for each in old for name in each.compiled.used_columns)
    return tuple(by_name[name] for name in names if name in by_name)


class Differing:
    """Renders records with the old and the new mapping and compares. Use it as a context manager."""

    def __init__(self, old: Sequence[OldMapping], new: CompiledMapping) -> None:
        self._open = ExitStack()
        self._new = new.renderer(threads=2)
        self._open.callback(self._new.close)
        self._old = [_Pair(each.compiled, new, self._open) for each in old]
        self._until = [each.until for each in old[:-1]]

    def __enter__(self) -> Differing:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def rows(self, batch: pa.RecordBatch) -> pa.BooleanArray:
        """For each row (new columns by name, old ones as `_old_<name>`), whether it renders differently."""
        import numpy as np
        import pyarrow as pa

        now = self._new.render(batch).column("payload")
        if len(self._old) == 1:
            return self._old[0].rows(batch, now)
        synced = batch.column(SYNCED).fill_null(0).to_numpy(zero_copy_only=False)
        version = np.searchsorted(np.array(self._until), synced, side="right")
        differs = np.zeros(batch.num_rows, dtype=bool)
        for number, old in enumerate(self._old):
            (rows,) = (version == number).nonzero()
            if len(rows):
                found = old.rows(batch.take(pa.array(rows)), now.take(pa.array(rows)))
                differs[rows] = found.to_numpy(zero_copy_only=False)
        return pa.array(differs, pa.bool_())


class _Pair:
    """One old version beside the new one."""

    def __init__(self, old: CompiledMapping, new: CompiledMapping, stack: ExitStack) -> None:
        from tailrace.mapping.rerender import Comparison

        self._renderer = old.renderer(threads=2)
        stack.callback(self._renderer.close)
        self._columns = old.used_columns
        self._comparison = stack.enter_context(Comparison(old.field_names, new.field_names))

    def rows(self, batch: pa.RecordBatch, now: pa.Array) -> pa.BooleanArray:
        import pyarrow as pa

        names = [name for name in self._columns if OLD + name in batch.schema.names]
        old = pa.RecordBatch.from_arrays([batch.column(OLD + name) for name in names], names=names)
        return self._comparison.differing(self._renderer.render(old).column("payload"), now)


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

    old = old_mappings(previous, prepared)
    dialect = prepared.source.dialect
    kept: list[pa.Array] = []
    old_columns = stored_for(old, previous.columns)
    with Differing(old, prepared.compiled) as differing:
        for batch in read_candidates(session, dialect, names, table, wanted, old_columns):
            if batch.num_rows:
                kept.append(pc.filter(batch.column("_seq"), differing.rows(batch)))
    seqs = pa.chunked_array(kept, pa.int64())
    return keep_candidates(session, dialect, names, table, pa.table({"seq": seqs}))
