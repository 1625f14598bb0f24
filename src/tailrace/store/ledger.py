"""The ledger: what of each unit is decided or in flight, and every record that was not delivered (R25)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from tailrace.clock import Clock
from tailrace.errors import StoreError
from tailrace.outcomes import Offer, Outcome, Refusal, Resolution, Span
from tailrace.store.database import Database
from tailrace.store.progress import UnitLedger, complement, dump_spans, load_spans, started
from tailrace.store.rows import ExceptionRow, UnitPlan, UnitRow
from tailrace.store.syncs import claim, hold
from tailrace.store.tables import exceptions, syncs, units

DETAILED_RECORDS = 10_000
"""So many exceptions of a sync keep payload and answer; the others are listed without."""
DETAIL_CHARACTERS = 16_384
_CHUNK = 2_000


class Ledger:
    """Progress and exceptions of all syncs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def open_units(
        self, sync: str, owner: str, plans: Iterable[UnitPlan], refusals: Iterable[Refusal] = ()
    ) -> None:
        """Enter the units of a sealed plan, with what the warehouse knows of them; replaces what stood here.

        Raises FenceLost where another process took over.
        """
        rows = [_unit_values(sync, plan) for plan in plans]
        now = self._clock.now()
        listed = [_exception_values(sync, number, found, now) for number, found in enumerate(refusals, 1)]
        with self._database.write() as connection:
            claim(connection, sync, owner, {"owner": owner})
            connection.execute(sa.delete(units).where(units.c.sync == sync))
            connection.execute(sa.delete(exceptions).where(exceptions.c.sync == sync))
            if rows:
                connection.execute(sa.insert(units), rows)
            if listed:
                connection.execute(sa.insert(exceptions), listed)

    def load(self, sync: str) -> dict[int, UnitRow]:
        """The progress of each unit as it is on disk; empty where no units were opened."""
        statement = sa.select(units).where(units.c.sync == sync).order_by(units.c.unit)
        with self._database.read() as connection:
            return {row["unit"]: _progress(row) for row in connection.execute(statement).mappings()}

    def writer(self, sync: str, owner: str) -> LedgerWriter:
        """The writer of a running sync, going on from what is stored."""
        return LedgerWriter(self._database, self._clock, sync, owner, self.load(sync))

    def exceptions(
        self, sync: str, *, after: int = 0, outcome: Outcome | None = None, limit: int | None = None
    ) -> Iterator[ExceptionRow]:
        """Every record of a sync that was not delivered, as recorded, from after exception number `after`."""
        statement = sa.select(exceptions).where(exceptions.c.sync == sync).order_by(exceptions.c.number)
        if outcome is not None:
            statement = statement.where(exceptions.c.outcome == outcome.value)
        remaining = limit
        while remaining is None or remaining > 0:
            size = _CHUNK if remaining is None else min(_CHUNK, remaining)
            with self._database.read() as connection:
                page = statement.where(exceptions.c.number > after).limit(size)
                rows = [_exception(found) for found in connection.execute(page).mappings()]
            yield from rows
            if len(rows) < size:
                return
            after = rows[-1].number
            remaining = None if remaining is None else remaining - len(rows)

    def outcomes(self, sync: str) -> dict[str, dict[str, int]]:
        """Records by operation and outcome, counted from the ledger."""
        counted: dict[str, dict[str, int]] = {}
        for progress in self.load(sync).values():
            for operation, records in progress.delivered.items():
                by_outcome = counted.setdefault(operation, {})
                delivered = Outcome.DELIVERED.value
                by_outcome[delivered] = by_outcome.get(delivered, 0) + records
        columns = (exceptions.c.operation, exceptions.c.outcome)
        statement = sa.select(*columns, sa.func.count()).where(exceptions.c.sync == sync).group_by(*columns)
        with self._database.read() as connection:
            for operation, outcome, records in connection.execute(statement):
                counted.setdefault(operation, {})[outcome] = records
        return counted

    def rejected(self, state_id: str, *, limit: int = 1_000) -> list[ExceptionRow]:
        """The newest refusal of each key of a mapping that was ever rejected, newest first."""
        newest = sa.func.row_number().over(
            partition_by=exceptions.c.key,
            order_by=(exceptions.c.at.desc(), exceptions.c.sync.desc(), exceptions.c.number.desc()),
        )
        ranked = (
            sa.select(exceptions, newest.label("rank"))
            .join(syncs, syncs.c.sync == exceptions.c.sync)
            .where(syncs.c.state_id == state_id, exceptions.c.outcome == Outcome.REJECTED.value)
            .subquery()
        )
        columns = [ranked.c[column.name] for column in exceptions.c]
        statement = sa.select(*columns).where(ranked.c.rank == 1)
        return self._list(statement.order_by(ranked.c.at.desc(), ranked.c.number.desc()).limit(limit))

    def attempts(self, state_id: str, key: str, *, limit: int = 100) -> list[ExceptionRow]:
        """Every time a record was planned and not delivered, newest first."""
        statement = (
            sa.select(exceptions)
            .join(syncs, syncs.c.sync == exceptions.c.sync)
            .where(syncs.c.state_id == state_id, exceptions.c.key == key)
            .order_by(exceptions.c.at.desc(), exceptions.c.number.desc())
        )
        return self._list(statement.limit(limit))

    def forget_units(self, sync: str) -> None:
        """Drop the progress of a sync whose outcomes are in the warehouse; its exceptions stay."""
        with self._database.write() as connection:
            connection.execute(sa.delete(units).where(units.c.sync == sync))

    def _list(self, statement: sa.Select[Any]) -> list[ExceptionRow]:
        with self._database.read() as connection:
            return [_exception(found) for found in connection.execute(statement).mappings()]


class LedgerWriter:
    """Records offers and resolutions of one running sync, one durable transaction per call."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sync: str,
        owner: str,
        progress: dict[int, UnitRow],
    ) -> None:
        self._database = database
        self._clock = clock
        self._sync = sync
        self._owner = owner
        self._units = {unit: UnitLedger(found) for unit, found in progress.items()}
        self._exceptions = _last_exception(database, sync)
        self._lock = threading.Lock()

    def record(self, resolutions: Sequence[Resolution], offers: Sequence[Offer]) -> None:
        """Store both; when this returns they are on disk. Raises FenceLost where another process took over.

        After any error the writer must not be used again: load the ledger anew.
        """
        with self._lock:
            touched = self._apply(resolutions, offers)
            changed = [
                self._units[unit].stored() | {"of": unit, "by": self._sync} for unit in sorted(touched)
            ]
            listed = self._list(resolutions)
            try:
                with self._database.write() as connection:
                    self._store(connection, changed, listed)
            except IntegrityError:
                raise StoreError(
                    f"The ledger of sync {self._sync} was told of a record that was listed before",
                    hint="This is a defect of Tailrace; nothing of this step was stored. Please report it.",
                    code="ledger_inconsistent",
                ) from None

    def progress(self) -> dict[int, UnitRow]:
        """Where each unit stands; equal to what is on disk between two calls of `record`."""
        with self._lock:
            return {unit: ledger.progress() for unit, ledger in self._units.items()}

    def _store(
        self, connection: sa.Connection, changed: list[dict[str, Any]], listed: list[dict[str, Any]]
    ) -> None:
        hold(connection, self._sync, self._owner)
        if changed:
            connection.execute(_PROGRESS, changed)
        if listed:
            connection.execute(sa.insert(exceptions), listed)

    def _apply(self, resolutions: Sequence[Resolution], offers: Sequence[Offer]) -> set[int]:
        steps: list[Resolution | Offer] = [*resolutions, *offers]
        for step in sorted(steps, key=lambda step: step.span.first):
            if isinstance(step, Offer):
                self._units[step.unit].offer(step)
            else:
                self._units[step.unit].resolve(step)
        return {step.unit for step in steps}

    def _list(self, resolutions: Sequence[Resolution]) -> list[dict[str, Any]]:
        now = self._clock.now()
        listed: list[dict[str, Any]] = []
        for resolution in resolutions:
            for refusal in resolution.refusals:
                self._exceptions += 1
                listed.append(_exception_values(self._sync, self._exceptions, refusal, now))
        return listed


_PROGRESS = sa.update(units).where(units.c.sync == sa.bindparam("by"), units.c.unit == sa.bindparam("of"))
"""Made once: building a statement takes longer than running it."""


def _last_exception(database: Database, sync: str) -> int:
    statement = sa.select(sa.func.max(exceptions.c.number)).where(exceptions.c.sync == sync)
    with database.read() as connection:
        return connection.execute(statement).scalar() or 0


def _unit_values(sync: str, plan: UnitPlan) -> dict[str, Any]:
    begun = started(plan)
    return {
        "sync": sync,
        "unit": plan.unit,
        "first": plan.span.first,
        "last": plan.span.last,
        "records": plan.records,
        "resolved_records": plan.resolved_records,
        "unoffered": dump_spans(begun.unoffered),
        "in_flight": "[]",
        "delivered": json.dumps(plan.delivered),
    }


def _progress(row: sa.RowMapping) -> UnitRow:
    span = Span(row["first"], row["last"])
    unoffered, in_flight = load_spans(row["unoffered"]), load_spans(row["in_flight"])
    return UnitRow(
        unit=row["unit"],
        span=span,
        records=row["records"],
        resolved=complement(span, [*unoffered, *in_flight]),
        resolved_records=row["resolved_records"],
        in_flight=in_flight,
        unoffered=unoffered,
        delivered=json.loads(row["delivered"]),
    )


def _exception_values(sync: str, number: int, refusal: Refusal, at: datetime) -> dict[str, Any]:
    detailed = number <= DETAILED_RECORDS
    return {
        "sync": sync,
        "number": number,
        "seq": refusal.seq,
        "key": refusal.key,
        "operation": refusal.operation,
        "outcome": refusal.outcome.value,
        "reason": refusal.reason,
        "code": refusal.code,
        "message": _cap(refusal.message),
        "record_id": refusal.record_id,
        "payload": _cap(refusal.payload) if detailed else None,
        "answer": _cap(refusal.answer) if detailed else None,
        "attempts": refusal.attempts,
        "at": at,
    }


def _cap(text: str | None) -> str | None:
    if text is None:
        return None
    clean = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return clean if len(clean) <= DETAIL_CHARACTERS else f"{clean[:DETAIL_CHARACTERS]}…"


def _exception(found: sa.RowMapping) -> ExceptionRow:
    return ExceptionRow(**{**found, "outcome": Outcome(found["outcome"])})
