"""A second look at what is to be deleted, where a warehouse may read what nobody has committed (R5).

A table that is just being filled anew looks empty there. The second evaluation of the model can only take deletes
away: whatever it finds stays, and the next plan judges it.
"""

from __future__ import annotations

from contextlib import suppress

from tailrace.errors import TailraceError
from tailrace.sources.base import Session
from tailrace.sources.dialect import Dialect
from tailrace.state.names import StateNames
from tailrace.state.plan_request import PlanRequest

_GONE = "c.operation IN ('deleted', 'drop')"


def keep_what_is_there(
    session: Session, dialect: Dialect, names: StateNames, table: str, request: PlanRequest
) -> int:
    """Take out of a filled plan the deletes of records that the model has now; gives how many these are.

    Raises SourceError where the model fails.
    """
    d, target = dialect, dialect.table(names.schema, table)
    if not session.rows(d.limited(f"SELECT 1 AS one FROM {target} AS c WHERE {_GONE}", 1)):
        return 0
    where = f" WHERE (\n{request.where}\n)" if request.where else ""
    keys = (
        f"{d.leading(request.sql)}SELECT {d.key_text(request.key, 'model')} AS record_id"
        f" FROM {d.subquery(request.sql, 'model')}{where}"
    )
    stage = f"look_{table.removeprefix(names.changes_prefix)}"
    there = f"SELECT 1 FROM {d.stage(stage)} AS m WHERE {d.same_key('m.record_id', 'c.record_id')}"
    try:
        for statement in d.fill_stage(stage, [("record_id", d.type_of("text"))], keys):
            session.execute(statement)
        return session.execute(d.delete_from(target, "c", f"{_GONE} AND EXISTS ({there})"))
    finally:
        for statement in d.drop_stage(stage):
            with suppress(TailraceError):  # it goes with the session then
                session.execute(statement)
