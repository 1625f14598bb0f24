"""Reading plans: units of work by one query each (R10), previews without a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tailrace.errors import SourceError
from tailrace.outcomes import Span
from tailrace.sources.base import Session
from tailrace.sources.dialect import BUCKET_SHIFT, Dialect
from tailrace.state.columns import StoredColumn, used
from tailrace.state.names import StateNames
from tailrace.state.operations import CANDIDATE, SENDABLE
from tailrace.state.plan import PlanStatements, plan_statements
from tailrace.state.plan_pairs import state_value
from tailrace.state.plan_request import PlanRequest, RecordsTable
from tailrace.state.progress import Unit
from tailrace.state.records import records_rows

if TYPE_CHECKING:
    import pyarrow as pa

MAX_RECORDS = 50_000
MAX_BYTES = 64 * 1024 * 1024
OLD = "_old_"
"""What a column with the state's value is called, before the model's name of it."""
SYNCED = "_synced_n"

_SENT = {"seq": "seq", "record_id": "key", "operation": "operation", "prior_id": "prior_id"}
_SHOWN = {
    "operation": "operation",
    "record_id": "key",
    "seq": "seq",
    "prior_id": "prior_id",
    "reason": "reason",
    "total": "total",
}
_OWN = frozenset([*(f"_{label}" for label in (*_SENT.values(), *_SHOWN.values())), SYNCED])
_COARSE, _FINE = 8192, 64
_JOINED_BYTES = 2**31 - 1
_SENDABLE = ", ".join(f"'{each}'" for each in SENDABLE)


@dataclass(frozen=True, slots=True)
class _Chunk:
    span: Span
    records: int
    bytes: int


def units(
    session: Session,
    dialect: Dialect,
    names: StateNames,
    table: str,
    columns: Sequence[StoredColumn],
    max_records: int = MAX_RECORDS,
    max_bytes: int = MAX_BYTES,
) -> list[Unit]:
    """Cut a plan into units of work, by number of records and by the size of their values (R10)."""
    coarse = max(min(_COARSE, max_records), 1)
    fine = min(_FINE, coarse)
    rows = _Sizes(session, dialect, dialect.table(names.schema, table), used(columns))
    chunks: list[_Chunk] = []
    for chunk in rows.chunks(coarse):
        if chunk.bytes > max_bytes and fine < coarse:
            chunks += rows.chunks(fine, chunk.span)
        else:
            chunks.append(chunk)
    return [
        Unit(number, Span(part[0].span.first, part[-1].span.last), sum(chunk.records for chunk in part))
        for number, part in enumerate(_packed(chunks, max_records, max_bytes))
    ]


@dataclass(frozen=True, slots=True)
class _Sizes:
    session: Session
    dialect: Dialect
    target: str
    columns: Sequence[StoredColumn]

    def chunks(self, size: int, within: Span | None = None) -> list[_Chunk]:
        """Neighbouring positions of one bucket, at most `size` records together."""
        d = self.dialect
        values = [d.value_bytes(f"p.{d.quote(column.stored)}", column.column) for column in self.columns]
        total = " + ".join(f"coalesce({value}, 0)" for value in values) or "0"
        place = f"p.seq - p.bucket * CAST({BUCKET_SHIFT} AS {d.type_of('bigint')}) - 1"
        where = f" AND p.seq BETWEEN {within.first} AND {within.last}" if within else ""
        rows = (
            f"SELECT p.seq, p.bucket, floor(({place}) / {size}) AS chunk, {total} AS size_of"
            f" FROM {self.target} AS p WHERE p.operation IN ({_SENDABLE}){where}"
        )
        found = self.session.rows(
            "SELECT min(c.seq), max(c.seq), count(*), sum(c.size_of)"
            f" FROM (\n{rows}\n{d.barrier}) AS c GROUP BY c.bucket, c.chunk ORDER BY 1"
        )
        return [_Chunk(Span(int(a), int(b)), int(n), int(size)) for a, b, n, size in found]


def _packed(chunks: Iterable[_Chunk], max_records: int, max_bytes: int) -> Iterator[list[_Chunk]]:
    part: list[_Chunk] = []
    records = size = 0
    for chunk in chunks:
        if part and (records + chunk.records > max_records or size + chunk.bytes > max_bytes):
            yield part
            part, records, size = [], 0, 0
        part.append(chunk)
        records += chunk.records
        size += chunk.bytes
    if part:
        yield part


def read_unit(
    session: Session,
    dialect: Dialect,
    names: StateNames,
    table: str,
    span: Span,
    columns: Sequence[StoredColumn],
) -> pa.Table:
    """The span's sendable rows, ordered by `_seq`: our columns with `_`, the others by model name.

    A unit is small, so it is put in order here: warehouses sort wide rows ten times slower than Arrow does.
    """
    return _sorted(session.read(unit_query(dialect, names, table, span, columns)).read_all())


def _sorted(rows: pa.Table) -> pa.Table:
    """The rows in the order of `_seq`; those of a few huge records without a copy.

    To take rows from a column Arrow joins its parts, which 32-bit offsets of text allow up to 2 GiB.
    """
    import pyarrow as pa

    if rows.nbytes <= _JOINED_BYTES:
        return rows.sort_by("_seq")
    positions = rows.column("_seq").to_pylist()
    order = sorted(range(rows.num_rows), key=positions.__getitem__)
    return pa.concat_tables([rows.slice(row, 1) for row in order])


def unit_query(
    dialect: Dialect, names: StateNames, table: str, span: Span, columns: Sequence[StoredColumn]
) -> str:
    own = own_columns(dialect, _SENT)
    return (
        f"SELECT {', '.join([*own, *read_columns(dialect, 'p', columns)])}"
        f" FROM {dialect.table(names.schema, table)} AS p"
        f" WHERE p.seq BETWEEN {span.first} AND {span.last} AND p.operation IN ({_SENDABLE})"
    )


def is_own(name: str) -> bool:
    """Would a model's column of this name be taken for one of ours, on its way from a plan to its payload?"""
    return name in _OWN or name.startswith(OLD)


def own_columns(dialect: Dialect, labels: Mapping[str, str]) -> list[str]:
    """Our own columns of plan rows `p`, called `_` and their label."""
    return [f"p.{name} AS {dialect.quote('_' + label)}" for name, label in labels.items()]


def read_columns(
    dialect: Dialect, alias: str, columns: Sequence[StoredColumn], before: str = ""
) -> list[str]:
    """The used columns by model name, as Arrow carries them exactly."""
    return [
        f"{dialect.read_expr(f'{alias}.{dialect.quote(column.stored)}', column.column)}"
        f" AS {dialect.quote(before + column.name)}"
        for column in used(columns)
    ]


def rendered_by(dialect: Dialect) -> str:
    """The number of the sync that the destination has a state row `r` from."""
    return f"r.synced_n AS {dialect.quote(SYNCED)}"


@contextmanager
def stream_plan(
    session: Session,
    dialect: Dialect,
    names: StateNames,
    request: PlanRequest,
    before: Sequence[StoredColumn] = (),
    attempt: str = "",
) -> Iterator[pa.RecordBatchReader]:
    """The plan as it would be made now, without a table: all its rows, those with a position first, in order.

    Columns: _operation, _key, _seq, _prior_id, _reason, _total, the used columns by model name, and again
    with `_old_` before the name: what the state holds, for updated rows and candidates; `before` are columns
    of the state that only an earlier mapping used. Where there is a state, `_synced_n` is the sync that rendered
    it. Leaves nothing in the warehouse.
    """
    import pyarrow as pa

    statements = stream_statements(dialect, names, request, before, attempt)
    with statements.staged(session):
        reader = session.read(statements.query)
        try:
            yield pa.RecordBatchReader.from_batches(reader.schema, in_order(reader))
        finally:
            reader.close()


def in_order(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same batches, held to increase in `_seq`, and to have rows without it at their end. Raises SourceError.

    A plan's ID counts on the order, and not every way to read a sorted result is promised to keep it.
    """
    import pyarrow.compute as pc

    last, ended = -1, False
    for batch in batches:
        column = batch.column("_seq")
        placed = column.slice(0, batch.num_rows - column.null_count)
        if len(placed):
            later, earlier = placed.slice(1), placed.slice(0, len(placed) - 1)
            increasing = pc.call_function("all", [pc.call_function("greater", [later, earlier])]).as_py()
            if ended or placed.null_count or increasing is False or placed[0].as_py() <= last:
                raise SourceError(
                    "the warehouse gave a plan's records in another order than they were sorted in",
                    hint="Nothing of them was sent. Please report this, with the type of the source.",
                    code="source_failed",
                )
            last = placed[-1].as_py()
        ended = ended or column.null_count > 0
        yield batch


def stream_statements(
    dialect: Dialect,
    names: StateNames,
    request: PlanRequest,
    before: Sequence[StoredColumn] = (),
    attempt: str = "",
) -> PlanStatements:
    """What `stream_plan` runs."""
    selected = [
        *own_columns(dialect, _SHOWN),
        *read_columns(dialect, "p", request.used),
        *_old_columns(dialect, request.records, request.used),
    ]
    plan = plan_statements(dialect, names, request, attempt)
    rows = f"(\n{plan.select}\n) AS p"
    if not request.empty:
        selected += [rendered_by(dialect), *read_columns(dialect, "r", before, OLD)]
        rows += _joined_records(dialect, names, f" AND p.operation IN ('updated', '{CANDIDATE}')")
    query = f"SELECT {', '.join(selected)}\nFROM {rows}\nORDER BY {dialect.nulls_last('p.seq')}"
    return replace(plan, select=query)


def _old_columns(
    dialect: Dialect, records: RecordsTable | None, columns: Sequence[StoredColumn]
) -> list[str]:
    """The state's values as they were delivered, or NULL where there is no state."""
    return [
        f"{_old_value(dialect, records, column)} AS {dialect.quote(OLD + column.name)}" for column in columns
    ]


def _old_value(dialect: Dialect, records: RecordsTable | None, column: StoredColumn) -> str:
    if records is None or records.row_count == 0:
        return dialect.read_expr(dialect.cast("NULL", column.native), column.column)
    if old := records.converted.get(column.stored):
        return dialect.read_expr(f"r.{dialect.quote(old.stored)}", old.column)
    return dialect.read_expr(state_value(dialect, records, column), column.column)


def _joined_records(dialect: Dialect, names: StateNames, condition: str) -> str:
    """The state `r` beside plan rows `p`."""
    same = dialect.same_key("r.record_id", "p.record_id")
    return f" LEFT JOIN {records_rows(dialect, names)} AS r ON {same}{condition}"
