"""The ID of a plan: equal for equal plans, whoever makes them, so that a reviewed plan can be asked for (R24)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tailrace.sources.base import Source
from tailrace.state.names import StateNames
from tailrace.state.plan_read import read_unit

if TYPE_CHECKING:
    import pyarrow as pa

    from tailrace.mapping.compile import CompiledMapping
    from tailrace.sources.base import Session
    from tailrace.state.columns import StoredColumn
    from tailrace.state.progress import Unit


class PlanId:
    """SHA-256 over the ordered canonical JSON of (operation, key, rendered payload), a line each."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, operations: pa.Array, keys: pa.Array, payloads: pa.Array) -> None:
        """Take in the next records in the plan's order; a record that the mapping refuses has no payload."""
        lines = [
            f'["{operation}",{json.dumps(key, ensure_ascii=False)},{payload if payload is not None else "null"}]\n'
            for operation, key, payload in zip(
                operations.to_pylist(), keys.to_pylist(), payloads.to_pylist(), strict=True
            )
        ]
        self._hash.update("".join(lines).encode())

    def hexdigest(self) -> str:
        """The ID so far."""
        return self._hash.hexdigest()


def table_plan_id(
    session: Session,
    source: Source,
    names: StateNames,
    table: str,
    columns: tuple[StoredColumn, ...],
    units: Iterable[Unit],
    compiled: CompiledMapping,
) -> str:
    """The ID of a plan table's content."""
    plan_id = PlanId()
    with compiled.renderer(threads=2) as renderer:
        for unit in units:
            for batch in read_unit(session, source.dialect, names, table, unit.span, columns):
                if batch.num_rows:
                    payloads = renderer.render(batch).column("payload")
                    plan_id.add(batch.column("_operation"), batch.column("_key"), payloads)
    return plan_id.hexdigest()
