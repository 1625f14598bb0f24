"""Turns rows of a plan into request items: payload, record id (R24) and the item's text, in one pass of the mapping."""

from __future__ import annotations

# pyright: reportAttributeAccessIssue=false
# pyarrow.compute makes its functions when it is imported, where no checker sees them.
from types import TracebackType
from typing import TYPE_CHECKING

from tailrace.delivery.outcomes import Rendered
from tailrace.destinations.define import Action, Call
from tailrace.ids import digest
from tailrace.outcomes import Outcome, Refusal
from tailrace.sources.base import Limits
from tailrace.sources.model import Oversized, oversized

if TYPE_CHECKING:
    import pyarrow as pa

    from tailrace.mapping.compile import CompiledMapping

_SCOPE_DIGITS = 24
"""Of the digest of mapping and sync: 96 bits, and room for a key beside it."""


def record_id_sql(mapping: str, sync: str) -> str:
    """DuckDB SQL for a record's id: the one it was last sent under, or a digest of mapping, sync, operation and key.

    A plan names a key once, and the mapping it was sealed with renders the same bytes each time, so these four say
    which change this is (ADR 0025). Short keys fit into one block of MD5; nobody gains by making two ids equal.
    """
    scope = digest(mapping, sync)[:_SCOPE_DIGITS]
    return f"coalesce(_prior_id, md5(concat('{scope}', _operation, ':', _key)))"


class PieceRenderer:
    """Renders the records of one sync for its action; one thread at a time. Use it as a context manager."""

    def __init__(
        self, compiled: CompiledMapping, action: Action, call: Call, limits: Limits, *, threads: int
    ) -> None:
        outputs = {
            "id": record_id_sql(call.mapping, call.sync),
            "item": f"coalesce({action.item(call)}, '')",
        }
        self._renderer = compiled.renderer(outputs, payloads=False, threads=threads)
        self._limits = limits
        self._used = compiled.used_columns

    def __enter__(self) -> PieceRenderer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._renderer.close()

    def render(self, unit: int, batch: pa.RecordBatch, *, last: bool) -> Rendered:
        """The batch's records, ready to send; those that the mapping or the limits refuse have a refusal."""
        import pyarrow as pa

        done = self._renderer.render(batch)
        keys, operations, seqs = (batch.column(name) for name in ("_key", "_operation", "_seq"))
        items = done.column("item").cast(pa.large_string())
        refusals = self._refused(batch, done)
        too_large = self._too_large(batch)
        if too_large:
            refusals |= too_large
            emptied = [row in too_large for row in range(batch.num_rows)]
            import pyarrow.compute as pc

            items = pc.if_else(pa.array(emptied), pa.scalar("", pa.large_string()), items)
        return Rendered(
            unit,
            seqs.cast(pa.int64()),
            keys.cast(pa.string()),
            operations.cast(pa.string()),
            done.column("id").cast(pa.string()),
            items,
            refusals,
            last,
        )

    def _refused(self, batch: pa.RecordBatch, done: pa.RecordBatch) -> dict[int, Refusal]:
        import pyarrow.compute as pc

        messages = done.column("error_message")
        if messages.null_count == len(messages):
            return {}
        fields = done.column("error_field")
        found: dict[int, Refusal] = {}
        for row in pc.indices_nonzero(pc.is_valid(messages)).to_pylist():
            field = fields[row].as_py()
            message = messages[row].as_py()
            text = f"field {field}: {message}" if field else message
            found[row] = self._refusal(batch, row, "mapping", "field_invalid", text)
        return found

    def _too_large(self, batch: pa.RecordBatch) -> dict[int, Refusal]:
        values = batch.select([name for name in self._used if name in batch.schema.names])
        found: dict[int, Refusal] = {}
        for each in oversized(values, self._limits):
            found.setdefault(each.row, self._refusal(batch, each.row, "limit", *self._size_words(each)))
        return found

    def _size_words(self, each: Oversized) -> tuple[str, str]:
        if each.column is not None:
            limit = self._limits.value_bytes // 1024
            return "value_too_large", (
                f"the value in column {each.column} has {each.size:,} bytes; at most {limit} KiB are allowed"
            )
        limit = self._limits.record_bytes // 1024
        return "record_too_large", f"the record has {each.size:,} bytes; at most {limit} KiB are allowed"

    def _refusal(self, batch: pa.RecordBatch, row: int, reason: str, code: str, message: str) -> Refusal:
        return Refusal(
            batch.column("_seq")[row].as_py(),
            batch.column("_key")[row].as_py(),
            batch.column("_operation")[row].as_py(),
            Outcome.REJECTED,
            reason,
            code,
            message,
        )
