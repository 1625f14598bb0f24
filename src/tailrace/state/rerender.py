"""Records whose values are as delivered, but which a changed mapping may render differently (R17).

Candidates stand in the plan table with their positions. The runtime renders both versions, and those whose
fields differ are kept: they become `updated`; the others count as unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tailrace.sources.base import Session
from tailrace.sources.dialect import Dialect
from tailrace.state.columns import StoredColumn
from tailrace.state.names import StateNames
from tailrace.state.operations import CANDIDATE
from tailrace.state.plan_read import OLD, own_columns, read_columns, rendered_by
from tailrace.state.records import records_rows

if TYPE_CHECKING:
    import pyarrow as pa


def read_candidates(
    session: Session,
    dialect: Dialect,
    names: StateNames,
    table: str,
    columns: Sequence[StoredColumn],
    old_columns: Sequence[StoredColumn],
) -> pa.RecordBatchReader:
    """One stream, in no order, of `_seq`, `_key`, the new columns by model name and the old mapping's as `_old_<name>`.

    `old_columns` are the checkpoint's: where and in which form the state holds what was rendered then;
    `_synced_n` is the sync that rendered it.
    """
    target, records = dialect.table(names.schema, table), records_rows(dialect, names)
    same = dialect.same_key("r.record_id", "p.record_id")
    selected = [
        *own_columns(dialect, {"seq": "seq", "record_id": "key"}),
        rendered_by(dialect),
        *read_columns(dialect, "p", columns),
        *read_columns(dialect, "r", old_columns, OLD),
    ]
    return session.read(
        f"SELECT {', '.join(selected)} FROM {target} AS p JOIN {records} AS r ON {same}"
        f" WHERE p.operation = '{CANDIDATE}'"
    )


def keep_candidates(session: Session, dialect: Dialect, names: StateNames, table: str, kept: pa.Table) -> int:
    """Make the candidates at the positions `kept["seq"]` updates, and give their number.

    The positions go by the warehouse's bulk path into the plan table itself, for one statement. It needs no
    transaction: the plan is not sealed yet, and what fails here is garbage (R4).
    """
    import pyarrow as pa

    if kept.num_rows == 0:
        return 0
    target = dialect.table(names.schema, table)
    marks = pa.table(
        {
            "operation": pa.array(["keep"] * kept.num_rows, pa.string()),
            "total": kept.column("seq").cast(pa.int64()),
        }
    )
    session.upload(table, marks)
    number = session.execute(
        f"UPDATE {target} SET operation = 'updated' WHERE operation = '{CANDIDATE}'"
        f" AND seq IN (SELECT total FROM {target} WHERE operation = 'keep')"
    )
    session.execute(f"DELETE FROM {target} WHERE operation = 'keep'")
    return number
