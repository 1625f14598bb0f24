"""The lease and the fence (R1 to R3), on both warehouses; time moves by editing the lease's end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.integration.state.managed import ME, OTHER, Managed, dead, ending

from tailrace.errors import FenceLost, LeaseHeld, SourceError
from tailrace.outcomes import Span
from tailrace.sources.base import Job, Session
from tailrace.state import approval, commit, lease, quarantine, seal, synclog, upkeep
from tailrace.state.fence import Fence, verify, write_fenced
from tailrace.state.guards import GuardResult
from tailrace.state.progress import commit_progress


def test_r01_a_live_lease_refuses_and_names_its_holder_and_times(managed: Managed) -> None:
    managed.take("first", OTHER)
    with pytest.raises(LeaseHeld) as held:
        managed.take("second", ME)
    assert "process 2 on there" in held.value.message
    assert "since 2026-01-01 00:00:00" in held.value.message
    assert f"until {managed.checkpoint().lease_until:%Y-%m-%d %H:%M}" in held.value.message
    assert managed.checkpoint().holder == OTHER


def test_r01_every_take_raises_the_fence_and_leaves_n_and_the_sync_id_alone(managed: Managed) -> None:
    managed.sync(("added", "k1", 1, "x"))
    before = managed.checkpoint()
    managed.expire()
    taken = managed.take("next")
    assert taken.fence.number == before.fence + 1
    after = managed.checkpoint()
    assert (after.n, after.sync_id) == (before.n, before.sync_id)
    assert taken.checkpoint.fence == before.fence


def test_r01_an_ended_lease_is_taken_over(managed: Managed) -> None:
    managed.take("first", OTHER)
    managed.expire(seconds_ago=1)
    assert managed.take("second").fence.number == 2
    assert managed.checkpoint().owner == "second"


def test_r01_a_holder_that_is_proven_dead_counts_as_ended_at_once(managed: Managed) -> None:
    managed.take("first", OTHER)
    taken = managed.take("second", is_dead=dead)
    assert taken.fence.number == 2
    assert taken.send_not_before == managed.clock.monotonic()


def test_r01_a_released_lease_is_free_at_once(managed: Managed) -> None:
    fence = managed.take("first", OTHER).fence
    with managed.source.session() as session:
        lease.release(session, fence)
    taken = managed.take("second")
    assert taken.fence.number == 2
    assert taken.send_not_before == managed.clock.monotonic()


def test_r01_of_many_takers_one_wins(managed: Managed) -> None:
    start = threading.Barrier(4)
    won: list[str] = []
    refused: list[LeaseHeld] = []

    def race(token: str) -> None:
        start.wait()
        try:
            managed.take(token)
            won.append(token)
        except LeaseHeld as error:
            refused.append(error)

    threads = [threading.Thread(target=race, args=(f"token-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert len(refused) == 3
    assert managed.checkpoint().owner == won[0]
    assert managed.checkpoint().fence == 1


def test_r01_a_renewed_lease_is_not_taken_although_it_looked_ended(managed: Managed) -> None:
    fence = managed.take("first", OTHER).fence
    managed.expire()
    with managed.source.session() as session:
        lease.renew(session, fence, 90)
    with pytest.raises(LeaseHeld):
        managed.take("second")


def test_r02_a_lost_answer_to_a_take_is_taken_again_with_the_same_token(managed: Managed) -> None:
    first = managed.take("mine")
    again = managed.take("mine")
    assert again.fence == first.fence
    assert managed.checkpoint().fence == 1


def writes(managed: Managed, fence: Fence) -> dict[str, Callable[[], object]]:
    """Every way in which an owner writes."""
    plan = managed.plan(("added", "k1", 1, "x"))

    def on(write: Callable[..., object], *args: object, **more: object) -> Callable[[], object]:
        def run() -> object:
            with managed.source.session() as session:
                return write(session, fence, *args, **more)

        return run

    return {
        "renew": on(lease.renew, 90),
        "release": on(lease.release),
        "record_job": on(lease.record_job, Job("1")),
        "verify": on(verify),
        "seal": on(seal.seal, plan, first=True, units=[], ceiling=1),
        "drop_leftovers": on(seal.drop_leftovers),
        "commit_progress": on(commit_progress, plan.table, [(0, Span(1, 1))], [], 1),
        "finish": on(commit.finish, plan, ending(plan)),
        "discard": on(commit.discard, plan, ending(plan)),
        "log_sync": on(synclog.log_sync, None),
        "record_block": on(approval.record_block, "s", []),
        "release_quarantine": on(quarantine.release_quarantine, None),
        "reset": on(upkeep.reset),
        "mark_resend": on(upkeep.mark_resend, None),
        "accept_row_count": on(upkeep.accept_row_count),
    }


def test_r02_after_a_take_over_every_write_of_the_old_owner_is_lost(managed: Managed) -> None:
    old = managed.take("old", OTHER).fence
    managed.expire()
    managed.take("new")
    before = managed.checkpoint()
    for name, write in writes(managed, old).items():
        with pytest.raises(FenceLost):
            write()
        after = managed.checkpoint()
        assert (after.owner, after.fence, after.phase) == ("new", before.fence, "idle"), name


def test_r02_the_compare_and_set_is_the_first_statement_of_the_transaction(managed: Managed) -> None:
    fence = managed.fence()
    ran: list[str] = []
    with managed.source.session() as session:
        write_fenced(session, fence, lambda: ran.append(str(session.rows("SELECT 1"))))
    assert ran == ["[(1,)]"]
    managed.expire()
    managed.take("new")
    with managed.source.session() as session, pytest.raises(FenceLost):
        write_fenced(session, fence, lambda: ran.append("too late"))
    assert ran == ["[(1,)]"]


def test_r02_a_writer_overtaken_inside_its_transaction_loses_or_goes_first(managed: Managed) -> None:
    """Two owners in transactions at once: the row decides, and nobody's half is kept."""
    old = managed.take("old", OTHER).fence
    managed.expire()
    records = managed.table(managed.names.records)

    def overtaken() -> None:
        with pytest.raises(LeaseHeld):
            managed.take("new")
        with managed.source.session() as other:
            other.rows(f"SELECT count(*) FROM {records}")

    with managed.source.session() as session:
        write_fenced(session, old, overtaken)
    assert managed.checkpoint().owner == "old"
    managed.expire()
    managed.take("new")
    with managed.source.session() as session, pytest.raises(FenceLost):
        write_fenced(session, old, lambda: None)


def test_r02_a_conflict_with_our_own_renewal_is_no_lost_fence(managed: Managed) -> None:
    fence = managed.fence()
    inside, renewed = threading.Event(), threading.Event()
    problems: list[Exception] = []

    def renew() -> None:
        inside.wait()
        with managed.source.session() as session:
            try:
                lease.renew(session, fence, 300)
            except SourceError as error:
                problems.append(error)
        renewed.set()

    thread = threading.Thread(target=renew)
    thread.start()

    def slow() -> None:
        inside.set()
        if managed.source.type == "duckdb":
            renewed.wait()

    with managed.source.session() as session:
        write_fenced(session, fence, slow)
    thread.join()
    assert all(problem.code == "source_conflict" for problem in problems)
    with managed.source.session() as session:
        verify(session, fence)


def test_r02_a_conflict_is_tried_again_while_the_fence_is_ours(managed: Managed) -> None:
    fence = managed.fence()
    tries: list[int] = []

    def contended() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise SourceError("DuckDB: Conflict on update!", code="source_conflict")
        return "done"

    with managed.source.session() as session:
        assert write_fenced(session, fence, contended, pause=lambda _: None) == "done"
    assert len(tries) == 3


class Contended:
    """A session whose first statement conflicts with another of ours, a renewal say."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.conflicts = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def execute(self, statement: str) -> int:
        if not self.conflicts:
            self.conflicts += 1
            raise SourceError("DuckDB: Conflict on update!", code="source_conflict")
        return self._session.execute(statement)


def test_r02_a_single_statement_that_met_a_renewal_is_tried_again(managed: Managed) -> None:
    fence = managed.fence()
    names, dialect = managed.names, managed.dialect
    stopped = [GuardResult("max_deletes", "1", "2", False, 2)]
    writes: list[Callable[[Any], object]] = [
        lambda session: lease.record_job(session, fence, Job("1")),
        lambda session: approval.record_block(session, fence, "sync-1", stopped),
        lambda session: approval.approve(session, dialect, names, "sync-1"),
        lambda session: lease.release(session, fence),
    ]
    with managed.source.session() as session:
        for write in writes:
            contended = Contended(session)
            write(contended)
            assert contended.conflicts == 1
    found = managed.checkpoint()
    assert found.owner is None
    assert found.approval is not None
    assert found.approval.approved


def test_r03_a_new_owner_waits_out_the_requests_of_one_that_may_live(managed: Managed) -> None:
    managed.take("first", OTHER, timeout=40)
    managed.expire(seconds_ago=10)
    taken = managed.take("second", timeout=30)
    assert taken.send_not_before - managed.clock.monotonic() == pytest.approx(30, abs=2)


def test_r03_the_wait_is_over_long_after_the_lease_ended(managed: Managed) -> None:
    managed.take("first", OTHER)
    managed.expire(seconds_ago=31)
    assert managed.take("second").send_not_before == managed.clock.monotonic()


def test_r03_the_wait_outlives_an_owner_that_died_or_let_go_while_waiting(managed: Managed) -> None:
    managed.take("first", OTHER)
    managed.expire(seconds_ago=1)
    second = managed.take("second")
    assert second.send_not_before > managed.clock.monotonic()
    third = managed.take("third", is_dead=dead)
    assert third.send_not_before > managed.clock.monotonic()
    with managed.source.session() as session:
        lease.release(session, third.fence)
    assert managed.take("fourth").send_not_before > managed.clock.monotonic()


def test_r03_the_job_left_behind_is_handed_to_the_new_owner(managed: Managed) -> None:
    fence = managed.take("first", OTHER).fence
    with managed.source.session() as session:
        lease.record_job(session, fence, Job("4711", {"backend_start": "then"}))
    managed.expire()
    assert managed.take("second").previous_job == Job("4711", {"backend_start": "then"})


def test_r03_deadlines_count_from_before_the_lease_was_taken(managed: Managed) -> None:
    managed.clock.advance(timedelta(seconds=5))
    taken = managed.take()
    assert (taken.taken_at, taken.taken_wall) == (managed.clock.monotonic(), managed.clock.now())


def test_r03_an_owner_that_hangs_in_its_transaction_is_reported_not_waited_for(managed: Managed) -> None:
    if managed.source.type != "postgres":
        pytest.skip("a DuckDB transaction holds no row lock: the conflict is at once, as other tests show")
    old = managed.take("old", OTHER).fence
    managed.expire()

    def hang() -> None:
        with pytest.raises(LeaseHeld, match="process 2 on there"):
            managed.take("new")

    with managed.source.session() as session:
        write_fenced(session, old, hang)
