"""Where the state of a renamed mapping stands: under the id that it was first kept under, over any number of renames.

`previously` names the id before. What an earlier rename had left under a still earlier id is found by the log of
syncs, which names every project and mapping that has used a state.
"""

from __future__ import annotations

from dataclasses import replace

from tailrace.ids import state_id
from tailrace.sources.base import Session
from tailrace.sources.dialect import Dialect
from tailrace.state.names import StateNames
from tailrace.state.tables import find_schema


def find_names(session: Session, dialect: Dialect, names: StateNames) -> StateNames | None:
    """The names under the schema's own spelling and the state's own id; None where there is no such schema."""
    schema = find_schema(session, dialect, names.schema)
    return follow(session, dialect, replace(names, schema=schema)) if schema is not None else None


def follow(session: Session, dialect: Dialect, names: StateNames) -> StateNames:
    """The names with the id that a mapping's state is really kept under, if it was renamed before."""
    before = names.renamed
    if before is None:
        return names
    tables = {name for name, _ in session.rows(dialect.list_tables(names.schema))}
    if names.checkpoints in tables or names.sync_log not in tables:
        return names
    log = dialect.table(names.schema, names.sync_log)
    project, mapping = dialect.literal(before.project), dialect.literal(before.mapping)
    used = session.rows(
        f"SELECT state_id, max(finished_at) FROM {log} WHERE project = {project} AND mapping = {mapping}"
        " GROUP BY state_id ORDER BY 2 DESC"
    )
    for found, _ in used:
        users = session.rows(
            f"SELECT DISTINCT project, mapping FROM {log} WHERE state_id = {dialect.literal(found)}"
        )
        if any(state_id(project, before.environment, mapping) == found for project, mapping in users):
            return replace(names, id=found)
    return names
