"""The engine over real HTTP, with virtual waits: offers, slots, stops, and one honest outcome per record."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from tailrace.delivery.control import Control
from tailrace.delivery.engine import Delivery
from tailrace.delivery.outcomes import Rendered
from tailrace.delivery.settle import split_budget
from tailrace.delivery.summary import Counts
from tailrace.destinations.auth import Auth
from tailrace.destinations.define import Answer, Call, Reading, Records, Result
from tailrace.destinations.webhook import webhook
from tailrace.errors import AuthError, Blocked, Cancelled, DestinationError, FenceLost, SourceError
from tailrace.outcomes import Offer, Outcome, Refusal, Resolution, Span, UnitProgress
from tailrace.testing.destination_kit import Change, MemoryLedger, Trial, deliver, render
from tailrace.testing.faults import Fault
from tailrace.testing.receiver import Receiver
from tailrace.testing.time import VirtualTime

ACTION = webhook.action("send")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def changes(count: int, operation: str = "added") -> list[Change]:
    return [Change(f"k{n}", operation, f'{{"n":{n}}}') for n in range(count)]


def send(receiver: Receiver, records: Sequence[Change], **settings: Any) -> Trial:
    return deliver(webhook, "send", {"url": receiver.url} | settings, records)


def delivery(receiver: Receiver, ledger: Any, control: Control | None = None, **settings: Any) -> Delivery:
    time = VirtualTime()
    call = Call(webhook.configure({"url": receiver.url} | settings), "shop", "customers", "sync-1")
    return Delivery(ACTION, call, ledger, time.clock, control=control or Control(), sleep=time.sleep)


def pieces(run: Delivery, records: Sequence[Change], size: int = 10) -> list[Rendered]:
    return [
        render(run.action, run.call, records[start : start + size], first=start)
        for start in range(0, len(records), size)
    ]


class SlowLedger(MemoryLedger):
    """Says when it is asked, and answers when it is told to."""

    def __init__(self, concurrency: int) -> None:
        super().__init__(concurrency)
        self.asked = threading.Semaphore(0)
        self.go = threading.Semaphore(0)

    def record(self, resolutions: Sequence[Resolution], offers: Sequence[Offer]) -> None:
        self.asked.release()
        assert self.go.acquire(timeout=30)
        super().record(resolutions, offers)


def test_r25_nothing_is_sent_before_its_offer_is_stored_and_no_slot_is_free_before_its_outcome_is(
    receiver: Receiver,
) -> None:
    ledger = SlowLedger(3)
    run = delivery(receiver, ledger, batch=2, concurrency=3)
    thread = threading.Thread(target=run.run, args=(pieces(run, changes(40)),))
    thread.start()
    assert ledger.asked.acquire(timeout=30)
    assert receiver.requests() == []
    rounds = 1
    ledger.go.release()
    while thread.is_alive():
        if ledger.asked.acquire(timeout=0.05):
            sent = len(receiver.requests())
            assert sent <= len(ledger.offers)
            assert len(ledger.offers) - len(ledger.resolutions) <= 3
            rounds += 1
            ledger.go.release()
    assert len(ledger.resolutions) == 20
    assert rounds >= 7


def test_pieces_of_several_units_are_cut_by_unit(receiver: Receiver) -> None:
    ledger = MemoryLedger(4)
    run = delivery(receiver, ledger, batch=4)
    first, second = pieces(run, changes(20))
    other = Rendered(
        2, second.seqs, second.keys, second.operations, second.record_ids, second.items, last=True
    )
    summary = run.run([first, other])
    assert summary.complete
    assert summary.counts.delivered == 20
    assert {offer.unit for offer in ledger.offers} == {0, 2}


@pytest.mark.parametrize("gate", ["may_send", "ledger"])
def test_a_lost_fence_ends_it_at_once_and_resolves_nothing(receiver: Receiver, gate: str) -> None:
    calls = 0

    def lose() -> None:
        nonlocal calls
        calls += 1
        if calls > 5:
            raise FenceLost("taken over")

    class Losing(MemoryLedger):
        def record(self, resolutions: Sequence[Resolution], offers: Sequence[Offer]) -> None:
            if gate == "ledger":
                lose()
            super().record(resolutions, offers)

    ledger = Losing(2)
    control = Control(may_send=lose) if gate == "may_send" else Control()
    run = delivery(receiver, ledger, control, concurrency=2)
    with pytest.raises(FenceLost):
        run.run(pieces(run, changes(50)))
    assert len(receiver.requests()) <= 12
    assert len(ledger.resolutions) <= len(receiver.requests())


def test_r29_stop_waits_for_what_is_in_flight_and_offers_nothing_more(receiver: Receiver) -> None:
    control = Control(check=lambda counts: control.stop_offering() if counts.total >= 6 else None)
    ledger = MemoryLedger(2)
    run = delivery(receiver, ledger, control, batch=2, concurrency=2)
    summary = run.run(pieces(run, changes(60)))
    assert not summary.complete
    assert len(ledger.offers) == len(ledger.resolutions) < 30
    assert set(ledger.outcomes()) <= {"delivered", "aborted"}
    assert len(receiver.state()) == ledger.outcomes()["delivered"]


def test_stop_does_not_wait_for_retries(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="status", status=423))
    control = Control()
    ledger = MemoryLedger(4)
    run = delivery(receiver, ledger, control)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        control.stop_offering()
        await asyncio.Event().wait()

    run.sleep = sleep
    summary = run.run(pieces(run, changes(8)))
    assert slept
    assert set(ledger.outcomes()) == {"aborted"}
    assert not summary.complete


def test_abort_leaves_what_is_in_flight_to_the_next_run(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="latency", seconds=30, keys=("k3",)))
    ledger = MemoryLedger(2)
    control = Control(check=lambda counts: control.abort() if counts.total >= 5 else None)
    run = delivery(receiver, ledger, control, concurrency=2)
    with pytest.raises(Cancelled):
        run.run(pieces(run, changes(30)))
    left = ledger.progress().in_flight
    assert Span(3, 3) in left
    assert len(left) <= 2


def test_r30_a_guard_ends_it_after_the_outcomes_in_flight_are_stored(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="status", status=400))

    def check(counts: Counts) -> None:
        if counts.rejected >= 10:
            raise Blocked("too many rejected", code="max_rejected_percent")

    ledger = MemoryLedger(4)
    run = delivery(receiver, ledger, Control(check=check))
    with pytest.raises(Blocked):
        run.run(pieces(run, changes(200)))
    assert len(ledger.offers) == len(ledger.resolutions)
    assert 10 <= ledger.outcomes()["rejected"] <= 18


def test_an_error_of_the_reader_is_raised_after_the_outcomes_in_flight_are_stored(receiver: Receiver) -> None:
    ledger = MemoryLedger(4)
    run = delivery(receiver, ledger)

    def broken() -> Iterator[Rendered]:
        yield from pieces(run, changes(10))
        raise SourceError("the connection was lost")

    with pytest.raises(SourceError):
        run.run(broken())
    assert len(ledger.offers) == len(ledger.resolutions)


def test_what_the_mapping_refused_is_rejected_and_never_sent(receiver: Receiver) -> None:
    ledger = MemoryLedger(4)
    run = delivery(receiver, ledger, batch=5)
    whole = render(ACTION, run.call, changes(10))
    texts = whole.items.to_pylist()
    refusals: dict[int, Refusal] = {}
    for row in (0, 1, 2, 3, 4, 7):
        texts[row] = ""
        refusals[row] = Refusal(
            row, f"k{row}", "added", Outcome.REJECTED, "mapping", "field_invalid", "is NaN", attempts=0
        )
    items = pa.array(texts, type=whole.items.type)
    piece = Rendered(
        0, whole.seqs, whole.keys, whole.operations, whole.record_ids, items, refusals, last=True
    )
    summary = run.run([piece])
    assert (summary.counts.delivered, summary.counts.rejected) == (4, 6)
    assert [request["keys"] for request in receiver.requests()] == [["k5", "k6", "k8", "k9"]]
    assert summary.counts.by_operation["added"] == {"delivered": 4, "rejected": 6}


@pytest.mark.parametrize(
    ("then", "outcome"),
    [
        (Fault(kind="status", status=401), "unknown"),
        (Fault(kind="status", status=429), "unknown"),
        (Fault(kind="status", status=302), "unknown"),
        (Fault(kind="status", status=404), "unknown"),
        (Fault(kind="status", status=503), "unknown"),
        (Fault(kind="status", status=409), "unknown"),
        (Fault(kind="status", status=400), "rejected"),
    ],
)
def test_r20_once_perhaps_applied_never_aborted(receiver: Receiver, then: Fault, outcome: str) -> None:
    receiver.fail(Fault(kind="lost", times=1), then)
    trial = send(receiver, changes(1))
    assert trial.ledger.outcomes() == {outcome: 1}


def test_r20_a_resumed_request_that_cannot_be_sent_is_unknown() -> None:
    values = {"url": "http://127.0.0.1:9/hook", "retry_for": "5s"}
    progress = UnitProgress((), (Span(0, 1),))
    trial = deliver(webhook, "send", values, changes(2), resume=progress)
    assert trial.ledger.outcomes() == {"unknown": 2}
    fresh = deliver(webhook, "send", values, changes(2))
    assert fresh.ledger.outcomes() == {"aborted": 2}
    assert isinstance(fresh.error, DestinationError)
    assert fresh.error.code == "destination_unavailable"


def test_r22_404_after_a_success_rejects_that_record_alone(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="status", status=404, keys=("k30",)))
    trial = send(receiver, changes(40), batch=10, concurrency=1)
    assert trial.error is None
    assert [(each.key, each.reason) for each in trial.ledger.refusals()] == [("k30", "http_404")]


def test_r22_404_to_a_delete_in_a_mixed_batch_is_found_by_splitting(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="status", status=404, keys=("gone",)))
    mixed = [*changes(4), Change("gone", "deleted", "{}"), *changes(3, "updated")]
    trial = send(receiver, [*changes(8), *mixed], batch=8, concurrency=1)
    assert trial.error is None
    assert trial.ledger.outcomes() == {"delivered": 16}


def test_r22_an_earlier_run_of_the_sync_counts_as_success(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="status", status=404, keys=("k0",)))
    ledger = MemoryLedger(4)
    run = delivery(receiver, ledger)
    assert run.run(pieces(run, changes(3)), succeeded=True).counts.rejected == 1


def test_a_poison_record_does_not_stop_the_others(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="status", status=500, keys=("k5",)))
    trial = send(receiver, changes(30), concurrency=1)
    assert trial.error is None
    assert trial.ledger.outcomes() == {"delivered": 29, "unknown": 1}


def test_a_tool_that_is_down_is_not_asked_for_every_record(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="status", status=503, skip=5))
    trial = send(receiver, changes(500), concurrency=2, retry_for="1m")
    assert isinstance(trial.error, DestinationError)
    assert trial.error.code == "destination_unavailable"
    assert len(trial.ledger.resolutions) < 20


def test_a_wait_longer_than_retry_for_ends_it(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="status", status=429, headers={"Retry-After": "86400"}))
    trial = send(receiver, changes(50))
    assert isinstance(trial.error, DestinationError)
    assert trial.error.code == "destination_limited"
    assert set(trial.ledger.outcomes()) == {"aborted"}
    assert trial.time.clock.monotonic() < 900


def test_splitting_is_bounded_and_rejects_only_what_was_proved_bad(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="status", status=400))
    trial = send(receiver, changes(1_000), batch=1_000)
    outcomes = trial.ledger.outcomes()
    assert len(receiver.requests()) <= 1 + split_budget(1_000)
    assert outcomes["rejected"] >= 16
    assert outcomes["rejected"] + outcomes["aborted"] == 1_000
    assert {each.reason for each in trial.ledger.refusals() if each.outcome == "aborted"} == {"split_budget"}


def test_sixteen_bad_records_of_a_thousand_are_all_found(receiver: Receiver) -> None:
    bad = tuple(f"k{n}" for n in range(30, 1_000, 63))
    receiver.fail(Fault(kind="status", status=422, keys=bad))
    trial = send(receiver, changes(1_000), batch=1_000)
    assert trial.ledger.outcomes() == {"delivered": 1_000 - len(bad), "rejected": len(bad)}
    assert len({request["headers"]["idempotency-key"] for request in receiver.requests()}) == len(
        receiver.requests()
    )


def test_a_conflict_after_a_lost_answer_is_looked_at_record_by_record(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="reset", times=1), Fault(kind="status", status=409, keys=("k2",)))
    trial = send(receiver, changes(8), batch=8)
    assert [(each.key, each.outcome) for each in trial.ledger.refusals()] == [("k2", Outcome.UNKNOWN)]
    assert len(receiver.state()) == 7


def test_records_to_be_retried_go_again_alone(receiver: Receiver) -> None:
    again = {"status": "retry", "code": "locked"}
    receiver.fail(Fault(kind="results", keys=("k1", "k3"), result=again, times=2))
    trial = send(receiver, changes(6), batch=6)
    assert trial.ledger.outcomes() == {"delivered": 6}
    assert [request["records"] for request in receiver.requests()] == [6, 2, 2]


def test_records_to_be_retried_to_the_end_are_aborted(receiver: Receiver) -> None:
    again = {"status": "retry", "code": "locked", "message": "busy"}
    receiver.fail(Fault(kind="results", keys=("k1",), result=again))
    trial = send(receiver, changes(6), batch=6)
    (refusal,) = trial.ledger.refusals()
    assert (refusal.key, refusal.outcome, refusal.code, refusal.message) == (
        "k1",
        "aborted",
        "locked",
        "busy",
    )


def test_results_nobody_understands_leave_the_record_unknown(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="results", keys=("k1",), result={"status": "hmm"}))
    trial = send(receiver, changes(3), batch=3)
    assert [(each.key, each.outcome) for each in trial.ledger.refusals()] == [("k1", Outcome.UNKNOWN)]


def test_too_large_is_remembered(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="status", status=413, bytes_over=2_000))
    trial = send(receiver, changes(400), batch=50, concurrency=1)
    assert trial.ledger.outcomes() == {"delivered": 400}
    refused = sum(1 for request in receiver.requests() if request["status"] == 413)
    assert refused <= 3


def test_a_record_beyond_the_largest_request_is_rejected_without_sending(receiver: Receiver) -> None:
    giant = Change("giant", "added", '{"x":"' + "x" * 4_100_000 + '"}')
    trial = send(receiver, [*changes(2), giant], batch=10)
    assert [(each.key, each.reason) for each in trial.ledger.refusals()] == [("giant", "record_too_large")]
    assert len(receiver.state()) == 2


@pytest.mark.parametrize("renewals", [1, 0])
def test_credentials_are_renewed_once(receiver: Receiver, renewals: int) -> None:
    receiver.fail(Fault(kind="status", status=401, times=4 * renewals or None))
    asked = 0

    async def refresh() -> bool:
        nonlocal asked
        asked += 1
        while receiver.stats()["requests"] < 4:  # every batch has had its refusal
            await asyncio.sleep(0.001)
        return True

    ledger = MemoryLedger(4)
    run = delivery(receiver, ledger)
    run.auth = Auth(refresh=refresh)
    if renewals:
        assert run.run(pieces(run, changes(12))).counts.delivered == 12
    else:
        with pytest.raises(AuthError):
            run.run(pieces(run, changes(12)))
        assert set(ledger.outcomes()) == {"aborted"}
    assert asked == 1


def test_requests_per_second_is_kept(receiver: Receiver) -> None:
    trial = send(receiver, changes(60), requests_per_second=10)
    assert trial.ledger.outcomes() == {"delivered": 60}
    # Whoever begins to wait while others move the clock waits longer than asked.
    assert 5.5 <= trial.time.clock.monotonic() < 12


def test_waits_are_told(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="status", status=429, headers={"Retry-After": "30"}, times=1))
    told: list[tuple[str, float, float | None]] = []
    run = delivery(receiver, MemoryLedger(4))
    run.on_wait = lambda *wait: told.append(wait)
    run.run(pieces(run, changes(5)))
    assert ("The destination's limits ask for a pause.", 30.0, None) in told


def test_a_request_that_is_tried_again_is_told_at_once_with_its_end(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="status", status=503, times=1))
    told: list[tuple[str, float, float | None]] = []
    run = delivery(receiver, MemoryLedger(4))
    run.on_wait = lambda *wait: told.append(wait)
    run.run(pieces(run, changes(5)))
    ((reason, _, left),) = told
    assert reason == "The destination answered 503."
    assert left is not None
    assert left > 0


def test_a_closed_gate_in_the_last_piece_does_not_hang_the_reader(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="status", status=401))
    run = delivery(receiver, MemoryLedger(4), batch=1)
    big = [Change(f"k{n}", "added", '{"x":"' + "x" * 100_000 + '"}') for n in range(500)]
    with pytest.raises(AuthError):
        run.run(render(run.action, run.call, big, first=start * 1_000) for start in range(5))


def test_a_refusal_that_names_its_records_accepts_the_others(receiver: Receiver) -> None:
    def read(answer: Answer, records: Records, call: Call) -> Reading | None:
        return Reading({1: Result("rejected", "bad")}) if answer.status == 400 else None

    receiver.fail(Fault(kind="status", status=400, after=True, times=1))
    ledger = MemoryLedger(4)
    run = delivery(receiver, ledger, batch=4)
    run.action = replace(ACTION, read=read)
    counts = run.run(pieces(run, changes(4))).counts
    assert (counts.delivered, counts.rejected) == (3, 1)
    assert len(receiver.requests()) == 1


@pytest.mark.parametrize("undecided", ["rejected", "unknown"])
def test_records_without_a_result_follow_the_rule_of_the_action(receiver: Receiver, undecided: Any) -> None:
    def read(answer: Answer, records: Records, call: Call) -> Reading | None:
        return Reading({0: Result("delivered")})

    ledger = MemoryLedger(4)
    run = delivery(receiver, ledger, batch=3)
    run.action = replace(ACTION, read=read, undecided=undecided)
    run.run(pieces(run, changes(3)))
    assert ledger.outcomes() == {"delivered": 1, undecided: 2}
