"""The ID of a plan: equal for equal plans, whoever makes them, so that a reviewed plan can be asked for (R24)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tailrace.state.plan_read import read_unit

if TYPE_CHECKING:
    import pyarrow as pa

    from tailrace.mapping.compile import CompiledMapping
    from tailrace.sources.base import Session
    from tailrace.sources.dialect import Dialect
    from tailrace.state.columns import StoredColumn
    from tailrace.state.names import StateNames
    from tailrace.state.progress import Unit

PIECE_ROWS = 10_000
OUTPUTS = {
    "line": """'["' || _operation || '",' || CAST(to_json(_key) AS VARCHAR) || ','"""
    """ || coalesce(payload, 'null') || ']' || chr(10)"""
}
"""What a renderer gives for a plan's ID: a line of JSON per record; one that the mapping refuses has null there."""


class PlanId:
    """SHA-256 over the ordered canonical JSON of (operation, key, rendered payload), a line each."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, lines: pa.Array) -> None:
        """Take in the lines of the next records in the plan's order."""
        import pyarrow as pa

        text = lines.cast(pa.large_string())
        if len(text):
            _, offsets, data = text.buffers()
            ends = memoryview(offsets).cast("q")
            first, last = ends[text.offset], ends[text.offset + len(text)]
            self._hash.update(memoryview(data)[first:last])

    def hexdigest(self) -> str:
        """The ID so far."""
        return self._hash.hexdigest()


def table_plan_id(
    session: Session,
    dialect: Dialect,
    names: StateNames,
    table: str,
    columns: tuple[StoredColumn, ...],
    units: Iterable[Unit],
    compiled: CompiledMapping,
) -> str:
    """The ID of a plan table's content."""
    plan_id = PlanId()
    with compiled.renderer(OUTPUTS, threads=2) as renderer:
        for unit in units:
            rows = read_unit(session, dialect, names, table, unit.span, columns)
            for batch in rows.to_batches(max_chunksize=PIECE_ROWS):
                plan_id.add(renderer.render(batch).column("line"))
    return plan_id.hexdigest()
