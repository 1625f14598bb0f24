"""Plan tables: made by the plan's statement, counted, limited."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from tailrace.sources.base import Session
from tailrace.sources.dialect import Dialect
from tailrace.state.counts import Counts, OperationCounts
from tailrace.state.names import StateNames
from tailrace.state.operations import CANDIDATE, FILL, SENDABLE
from tailrace.state.plan import PlanStatements, plan_statements
from tailrace.state.plan_request import PlanRequest
from tailrace.state.records import records_rows


@dataclass(frozen=True, slots=True)
class PlanCounts:
    """What a plan found, each number counted by itself (R32).

    `unlimited` is the same without `--limit`: what guards look at. `fills` of the unchanged rows get their
    values stored at the commit.
    """

    counts: Counts
    unlimited: Counts
    fills: int = 0
    baseline: int = 0
    """Rows that are stored without being sent (R8)."""
    dropped: int = 0
    """Baseline rows that leave the state, because the model has them no more (R8)."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """A key that cannot be used: why, and how many of the model's rows have it."""

    reason: str
    key: str | None
    rows: int


def made_statements(
    dialect: Dialect, names: StateNames, request: PlanRequest, attempt: str = ""
) -> PlanStatements:
    """The statements whose rows become a plan table: deletions get their values later, where that is cheaper (R13)."""
    return plan_statements(dialect, names, replace(request, deletions_bare=True), attempt)


def create_plan(
    session: Session, dialect: Dialect, names: StateNames, table: str, request: PlanRequest
) -> None:
    """Make the plan table `table` (its unqualified name), marked as ours and cheap to read by position.

    All of it in one transaction, where tables are made in transactions; elsewhere one that is not whole is never
    sealed (R4). Raises SourceError where the model fails.
    """
    target = dialect.table(names.schema, table)
    plan = made_statements(dialect, names, request, table.removeprefix(names.changes_prefix))
    with plan.staged(session), session.transaction() if dialect.ddl_in_transactions else nullcontext():
        for setting in dialect.plan_settings:
            session.execute(setting)
        for statement in dialect.create_plan(target, plan.query):
            session.execute(statement)
    for statement in dialect.settle_plan(target):
        session.execute(statement)


def complete_deletions(
    session: Session, dialect: Dialect, names: StateNames, table: str, request: PlanRequest
) -> None:
    """Give the deletions of a new plan the values that were delivered last, where it was made without them (R13)."""
    bare = replace(request, deletions_bare=True).bare
    stored = [column.stored for column in request.used]
    if not bare or not stored:
        return
    values = {dialect.quote(name): f"r.{dialect.quote(name)}" for name in stored}
    same = f"p.operation = 'deleted' AND {dialect.same_key('r.record_id', 'p.record_id')}"
    rows = f"SELECT r.* FROM {records_rows(dialect, names, stored)} AS r"
    session.execute(dialect.update_from(dialect.table(names.schema, table), "p", values, rows, "r", same))


def limit_plan(session: Session, dialect: Dialect, names: StateNames, table: str, limit: int) -> None:
    """Keep only the first `limit` sendable rows of a finished plan; the rest are counted as not sent."""
    target = dialect.table(names.schema, table)
    sendable = ", ".join(f"'{each}'" for each in SENDABLE)
    placed = f"SELECT seq FROM {target} WHERE operation IN ({sendable}) ORDER BY seq"
    first = dialect.limited(placed, limit + 1)
    number, beyond = session.rows(f"SELECT count(*), max(seq) FROM (\n{first}\n) AS p")[0]
    if number > limit:
        why = " ".join(f"WHEN '{each}' THEN 'limit:{each}'" for each in SENDABLE)
        session.execute(
            f"UPDATE {target} SET reason = CASE operation {why} END, seq = NULL, prior_id = NULL,"
            " operation = CASE operation WHEN 'deleted' THEN 'deleted_not_sent' ELSE 'not_sent' END"
            f" WHERE operation IN ({sendable}) AND seq >= {int(beyond)}"
        )


def count_plan(session: Session, dialect: Dialect, names: StateNames, table: str) -> PlanCounts:
    """Count what stands in a plan table; nothing is inferred from anything else."""
    return counts_of(session.rows(count_query(dialect.table(names.schema, table))))


def count_query(rows: str) -> str:
    """What `counts_of` reads, from a plan table or a plan's statement as a subquery."""
    return (
        f"SELECT operation, reason, count(*), sum(total), count(CASE WHEN operation NOT IN"
        " ('count', 'deleted', 'deleted_not_sent', 'drop') AND coalesce(reason, '') <> 'deleted' THEN 1 END)"
        f" FROM {rows} GROUP BY operation, reason"
    )


def counts_of(found: Sequence[tuple[str, str | None, int, int | None, int]]) -> PlanCounts:
    """The counts of R32 from rows of (operation, reason, rows, total, rows that have a model row)."""
    tally = _Tally()
    for operation, reason, rows, total, from_model in found:
        tally.take(operation, reason, int(rows), int(total or 0), int(from_model))
    return tally.counts()


class _Tally:
    def __init__(self) -> None:
        self.number: dict[str, int] = {}
        self.planned: dict[str, int] = dict.fromkeys(SENDABLE, 0)
        self.quarantined: dict[str, int] = dict.fromkeys(SENDABLE, 0)
        self.held_back: dict[str, int] = dict.fromkeys(SENDABLE, 0)
        self.limited: dict[str, int] = dict.fromkeys(SENDABLE, 0)
        self.counted_model_rows: int | None = None
        self.seen_model_rows = 0

    def take(self, operation: str, reason: str | None, rows: int, total: int, from_model: int) -> None:
        self.seen_model_rows += from_model
        if operation == "count":
            if reason == "model_rows":
                self.counted_model_rows = (self.counted_model_rows or 0) + total
            elif reason == "unchanged":
                self._add("unchanged", total)
            else:
                self._held_back(reason or "", total)
        elif operation in SENDABLE:
            self.planned[operation] += rows
        elif operation == "quarantined":
            self.quarantined[reason or ""] += rows
        elif operation in ("not_sent", "deleted_not_sent"):
            self._held_back(reason or "", rows)
        else:
            self._add(operation, rows)

    def _add(self, what: str, rows: int) -> None:
        self.number[what] = self.number.get(what, 0) + rows

    def _held_back(self, reason: str, rows: int) -> None:
        why, _, operation = reason.partition(":")
        (self.limited if why == "limit" else self.held_back)[operation] += rows

    def counts(self) -> PlanCounts:
        number = self.number
        baseline = number.get("baseline_unsent", 0) + number.get("baseline_known", 0)
        unchanged = number.get("unchanged", 0) + number.get(CANDIDATE, 0) + number.get(FILL, 0)
        self.held_back["added"] += baseline
        model_rows = self.seen_model_rows if self.counted_model_rows is None else self.counted_model_rows
        seen = Counts(
            model_rows=model_rows,
            unchanged=unchanged,
            set_aside=number.get("set_aside", 0),
            quarantined=self.quarantined["added"] + self.quarantined["updated"],
        )
        limited: dict[str, int] = {each: self.planned[each] for each in SENDABLE}
        unlimited: dict[str, int] = {each: self.planned[each] + self.limited[each] for each in SENDABLE}
        not_sent: dict[str, int] = {each: self.held_back[each] + self.limited[each] for each in SENDABLE}
        return PlanCounts(
            counts=self._complete(seen, limited, not_sent),
            unlimited=self._complete(seen, unlimited, self.held_back),
            fills=number.get(FILL, 0),
            baseline=baseline,
            dropped=number.get("drop", 0),
        )

    def _complete(self, seen: Counts, planned: dict[str, int], held_back: dict[str, int]) -> Counts:
        return replace(
            seen,
            added=planned["added"],
            updated=planned["updated"],
            deleted=planned["deleted"],
            planned=sum(planned.values()),
            not_sent=held_back["added"] + held_back["updated"],
            by_operation={
                each: OperationCounts(
                    planned=planned[each], quarantined=self.quarantined[each], not_sent=held_back[each]
                )
                for each in SENDABLE
            },
        )
