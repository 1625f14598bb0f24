"""A managed schema on either warehouse, and plans made by hand, for tests of the state protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from tailrace.clock import ManualClock
from tailrace.columns import Kind
from tailrace.outcomes import Outcome, Refusal, Span
from tailrace.sources.base import Session, Source
from tailrace.state import commit, lease, seal, tables
from tailrace.state.checkpoint import Checkpoint, read_checkpoint
from tailrace.state.columns import StoredColumn
from tailrace.state.counts import Counts, OperationCounts
from tailrace.state.fence import Fence
from tailrace.state.holder import Holder
from tailrace.state.names import StateNames
from tailrace.state.progress import Unit, commit_progress
from tailrace.state.records import records_rows
from tailrace.state.seal import SealedPlan

START = datetime(2026, 1, 1, tzinfo=UTC)
ME = Holder("store", "here", "boot", "pid:[1]", 1, "100")
OTHER = Holder("other store", "there", "another boot", "pid:[2]", 2, "200")
SENDABLE = ("added", "updated", "deleted")


def alive(_: Holder, __: Holder) -> bool:
    return False


def dead(_: Holder, __: Holder) -> bool:
    return True


@dataclass
class Managed:
    """One mapping's state; `clock` is this machine's, the warehouse has its own."""

    source: Source
    names: StateNames
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    attempt: int = 0

    @property
    def dialect(self) -> Any:
        return self.source.dialect

    @property
    def columns(self) -> tuple[StoredColumn, ...]:
        d = self.dialect
        return (
            StoredColumn("a", "a", Kind.INT, d.type_of("bigint")),
            StoredColumn("b", "b", Kind.TEXT, d.type_of("text")),
        )

    def set_up(self, remember: str = "values") -> None:
        with self.source.session() as session:
            tables.ensure_schema(session, self.dialect, self.names.schema)
            tables.ensure_mapping(
                session, self.dialect, self.names, source_id="s", model_id="m", project="p", mapping="map"
            )
            tables.create_records(session, self.dialect, self.names, self.columns, remember)

    def table(self, name: str) -> str:
        return self.dialect.table(self.names.schema, name)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.source.session() as session:
            return session.rows(statement)

    def execute(self, statement: str) -> int:
        """Somebody's own statement, whatever a warehouse of this kind refuses."""
        with getattr(self.source, "plain", self.source).session() as session:
            return session.execute(statement)

    def tables(self) -> set[str]:
        with self.source.session() as session:
            return tables.ours(session, self.dialect, self.names.schema)

    def checkpoint(self) -> Checkpoint:
        with self.source.session() as session:
            found = read_checkpoint(session, self.dialect, self.names)
        assert found is not None
        return found

    # -- leases

    def take(
        self,
        token: str = "token-1",
        holder: Holder = ME,
        *,
        is_dead: Any = alive,
        ttl: float = 90,
        timeout: float = 30,
    ) -> lease.Taken:
        with self.source.session() as session:
            return lease.take(
                session,
                self.dialect,
                self.names,
                holder,
                token,
                ttl,
                self.clock,
                http_timeout=timeout,
                is_dead=is_dead,
            )

    def fence(self, token: str = "token-1") -> Fence:
        """A fence of our own, whoever held it before."""
        self.expire()
        return self.take(token).fence

    def expire(self, seconds_ago: float = 1000) -> None:
        """Move the lease's end into the past, as if that much time had gone by."""
        past = self.dialect.plus_seconds(self.dialect.now(), -seconds_ago)
        self.execute(
            f"UPDATE {self.table(self.names.checkpoints)} SET lease_until = {past} WHERE lease_until IS NOT NULL"
        )

    # -- plans

    def plan(self, *changes: tuple[Any, ...], remember: str = "values", n: int | None = None) -> SealedPlan:
        """Fill a plan table: each change is (operation, key, a, b); the sendable ones get seq 1, 2, 3 …"""
        self.attempt += 1
        number = n or self.attempt
        name = self.names.changes(number, f"{self.attempt:04x}")
        d = self.dialect
        text, big = d.type_of("text"), d.type_of("bigint")
        layout = [
            *(("operation", text), ("record_id", text), ("bucket", d.type_of("integer")), ("seq", big)),
            *(("prior_id", text), ("reason", text), ("total", big), ("a", big), ("b", text)),
        ]
        digest = "checksum" if remember == "checksum" else "digest" if d.compares_digests else ""
        if digest:
            layout.append((digest, text))
        seq, listed = 0, []
        for operation, key, a, b in changes:
            seq += operation in SENDABLE
            row = {"operation": operation, "record_id": key, "a": a, "b": b}
            row |= {"bucket": 0, "seq": seq if operation in SENDABLE else None}
            if digest:
                row[digest] = f"sum of {a} {b}"
            listed.append(row)
        types = {"a": pa.int64(), "b": pa.string(), "bucket": pa.int32(), "seq": pa.int64()}
        names = ("operation", "record_id", "bucket", "seq", "a", "b", *([digest] if digest else []))
        data = pa.table(
            {each: pa.array([row[each] for row in listed], types.get(each, pa.string())) for each in names}
        )
        with self.source.session() as session:
            for statement in d.create_marked(self.table(name), layout):
                session.execute(statement)
            session.upload(name, data)
        counts = counts_of(changes)
        return SealedPlan(
            name, number, f"sync-{number}", counts, self.columns, remember, "fp", {"v": 1}, "webhook:1", "map"
        )

    def seal(
        self, fence: Fence, plan: SealedPlan, *, first: bool = False, ceiling: int = 1000, **more: Any
    ) -> None:
        units = [Unit(0, Span(1, plan.counts.planned), plan.counts.planned)] if plan.counts.planned else []
        with self.source.session() as session:
            seal.seal(session, fence, plan, first=first, units=units, ceiling=ceiling, **more)

    def progress(
        self,
        fence: Fence,
        plan: SealedPlan,
        spans: Sequence[Span],
        refusals: Sequence[Refusal] = (),
        ceiling: int | None = None,
    ) -> None:
        with self.source.session() as session:
            commit_progress(session, fence, plan.table, [(0, span) for span in spans], refusals, ceiling)

    def finish(
        self, fence: Fence, plan: SealedPlan, *, session: Session | None = None, **changes: Any
    ) -> int:
        end = replace(ending(plan), **changes)
        if session is not None:
            return commit.finish(session, fence, plan, end)
        with self.source.session() as opened:
            return commit.finish(opened, fence, plan, end)

    def sync(self, *changes: tuple[Any, ...], refusals: Sequence[Refusal] = (), **more: Any) -> SealedPlan:
        """A whole sync in which everything planned was delivered but the refusals."""
        fence = self.fence()
        plan = self.plan(*changes, remember=more.pop("remember", "values"))
        self.seal(fence, plan)
        if plan.counts.planned:
            self.progress(fence, plan, [Span(1, plan.counts.planned)], refusals)
        self.finish(fence, plan, **more)
        return plan

    def records(self, *, columns: str = "a, b, delivered, uncertain, baseline") -> dict[str, tuple[Any, ...]]:
        rows = records_rows(self.dialect, self.names)
        found = self.rows(f"SELECT record_id, {columns} FROM {rows} AS r")
        assert len({row[0] for row in found}) == len(found), "a key stands twice in the records table"
        return {row[0]: row[1:] for row in found}


def counts_of(changes: Sequence[tuple[Any, ...]]) -> Counts:
    number = {each: sum(change[0] == each for change in changes) for each in SENDABLE}
    shares = {each: OperationCounts(planned=number[each]) for each in SENDABLE}
    baseline = sum(change[0].startswith("baseline") for change in changes)
    return Counts(planned=sum(number.values()), **number, not_sent=baseline, by_operation=shares)


def ending(plan: SealedPlan) -> commit.Ending:
    return commit.Ending(
        status="success",
        counts=plan.counts,
        started_at=START,
        finished_at=START + timedelta(seconds=1),
        settings="settings-1",
    )


def refusal(
    seq: int, outcome: Outcome = Outcome.REJECTED, record_id: str = "id", message: str = "no"
) -> Refusal:
    return Refusal(seq, f"k{seq}", "added", outcome, "http_400", "invalid", message, record_id=record_id)


@contextmanager
def managed_schema(source: Source, state_id: str = "map_12345678") -> Iterator[Managed]:
    yield Managed(source, StateNames(source.schema, state_id))
