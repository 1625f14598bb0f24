"""The ledger: every record not delivered is listed, what is decided is known, nothing is decided twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.store.running import begin

from tailrace.clock import ManualClock
from tailrace.errors import StoreError
from tailrace.outcomes import Offer, Outcome, Refusal, Resolution, Span
from tailrace.store.ledger import DETAIL_CHARACTERS, DETAILED_RECORDS
from tailrace.store.rows import UnitPlan
from tailrace.store.store import Store

BUCKET = 1 << 40


def refusal(seq: int, key: str = "k", outcome: Outcome = Outcome.REJECTED, **more: str) -> Refusal:
    return Refusal(seq, key, "added", outcome, "http_400", "bad_email", "the email is bad", **more)


def delivered(first: int, last: int, unit: int = 0) -> Resolution:
    return Resolution(unit, Span(first, last), last - first + 1, {"added": last - first + 1})


def refused(seq: int, key: str, outcome: Outcome = Outcome.REJECTED) -> Resolution:
    return Resolution(0, Span(seq, seq), 1, {}, (refusal(seq, key, outcome),))


def opened(store: Store, records: int = 100, sync: str = "sync-1") -> None:
    begin(store, sync)
    store.ledger.open_units(sync, "me", [UnitPlan(0, Span(1, records), records)])


def test_r25_what_was_offered_is_known_before_it_is_decided(store: Store) -> None:
    opened(store)
    writer = store.ledger.writer("sync-1", "me")
    writer.record([], [Offer(0, Span(1, 10)), Offer(0, Span(11, 20))])
    unit = store.ledger.load("sync-1")[0]
    assert (unit.resolved, unit.in_flight) == ((), (Span(1, 10), Span(11, 20)))
    assert (unit.offered, unit.unoffered) == (20, (Span(21, 100),))

    writer.record([delivered(11, 20)], [Offer(0, Span(21, 30))])
    unit = store.ledger.load("sync-1")[0]
    assert unit.resolved == (Span(11, 20),)
    assert unit.in_flight == (Span(1, 10), Span(21, 30))
    assert (unit.offered, unit.resolved_records, unit.delivered) == (30, 10, {"added": 10})
    assert writer.progress() == store.ledger.load("sync-1")


def test_a_resumed_writer_goes_on_and_offers_the_same_batches_again(store: Store) -> None:
    opened(store)
    store.ledger.writer("sync-1", "me").record([refused(1, "a")], [Offer(0, Span(2, 10))])
    begin(store, fence=2, owner="next")
    writer = store.ledger.writer("sync-1", "next")
    writer.record([], [Offer(0, Span(2, 10))])
    writer.record([delivered(2, 10), refused(11, "b")], [])
    unit = store.ledger.load("sync-1")[0]
    assert (unit.resolved, unit.in_flight, unit.resolved_records) == ((Span(1, 11),), (), 11)
    assert [(row.number, row.key) for row in store.ledger.exceptions("sync-1")] == [(1, "a"), (2, "b")]


def test_gaps_between_positions_do_not_keep_spans_apart(store: Store) -> None:
    begin(store)
    last = 3 * BUCKET + 9
    store.ledger.open_units("sync-1", "me", [UnitPlan(0, Span(BUCKET + 1, last), 30)])
    writer = store.ledger.writer("sync-1", "me")
    spans = [Span(BUCKET + 1, BUCKET + 8), Span(BUCKET + 11, 2 * BUCKET + 3), Span(2 * BUCKET + 7, last)]
    writer.record([], [Offer(0, span) for span in spans])
    for span in reversed(spans):
        writer.record([Resolution(0, span, 10, {"updated": 10})], [])
    unit = store.ledger.load("sync-1")[0]
    assert unit.complete
    assert unit.resolved == (Span(BUCKET + 1, last),)


def test_a_split_batch_is_decided_in_parts_and_a_refused_piece_needs_no_offer(store: Store) -> None:
    opened(store, 30)
    writer = store.ledger.writer("sync-1", "me")
    writer.record([], [Offer(0, Span(1, 10))])
    writer.record([delivered(1, 4), delivered(8, 10)], [])
    assert store.ledger.load("sync-1")[0].in_flight == (Span(5, 7),)
    writer.record([delivered(5, 7), refused(11, "a")], [Offer(0, Span(12, 30))])
    unit = store.ledger.load("sync-1")[0]
    assert (unit.resolved, unit.in_flight) == ((Span(1, 11),), (Span(12, 30),))
    writer.record([delivered(12, 30)], [])
    assert store.ledger.load("sync-1")[0].complete
    assert store.ledger.outcomes("sync-1") == {"added": {"delivered": 29, "rejected": 1}}


@pytest.mark.parametrize(
    ("resolutions", "offers"),
    [
        ([delivered(5, 6)], []),
        ([], [Offer(0, Span(5, 12))]),
        ([], [Offer(0, Span(95, 101))]),
        ([Resolution(0, Span(11, 12), 2, {"added": 1})], []),
        ([Resolution(0, Span(11, 12), 99, {"added": 99})], []),
        ([Resolution(0, Span(14, 15), 2, {}, (refusal(14), refusal(14)))], []),
    ],
    ids=["decided twice", "offered twice", "beyond", "outcomes missing", "too many", "listed twice"],
)
def test_what_cannot_be_is_refused_as_a_whole(
    store: Store, resolutions: list[Resolution], offers: list[Offer]
) -> None:
    opened(store)
    store.ledger.writer("sync-1", "me").record([delivered(1, 10)], [])
    before = store.ledger.load("sync-1")
    with pytest.raises(StoreError) as refused_:
        store.ledger.writer("sync-1", "me").record([refused(13, "fine"), *resolutions], offers)
    assert refused_.value.code == "ledger_inconsistent"
    assert store.ledger.load("sync-1") == before
    assert list(store.ledger.exceptions("sync-1")) == []


def test_a_new_store_starts_from_what_the_warehouse_knows(store: Store) -> None:
    begin(store, resumed=True)
    plans = [
        UnitPlan(0, Span(1, 50), 50, (Span(1, 10), Span(21, 30)), 20, {"added": 19}),
        UnitPlan(1, Span(51, 60), 10, (Span(51, 60),), 10, {"deleted": 10}),
    ]
    store.ledger.open_units("sync-1", "me", plans, [refusal(7, "seven", Outcome.UNKNOWN)])
    first, second = store.ledger.load("sync-1").values()
    assert first.resolved == (Span(1, 10), Span(21, 30))
    assert first.unoffered == (Span(11, 20), Span(31, 50))
    assert second.complete
    writer = store.ledger.writer("sync-1", "me")
    writer.record([refused(31, "new")], [Offer(0, Span(11, 18))])
    assert store.ledger.load("sync-1")[0].unoffered == (Span(19, 20), Span(32, 50))
    assert [row.number for row in store.ledger.exceptions("sync-1")] == [1, 2]
    assert store.ledger.outcomes("sync-1") == {
        "added": {"delivered": 19, "unknown": 1, "rejected": 1},
        "deleted": {"delivered": 10},
    }

    store.ledger.open_units("sync-1", "me", plans[1:])
    assert list(store.ledger.load("sync-1")) == [1]
    assert list(store.ledger.exceptions("sync-1")) == []


def test_every_exception_is_listed_in_order_and_from_where_one_stopped(store: Store) -> None:
    opened(store, 10_000)
    refusals = tuple(refusal(seq, f"k{seq}") for seq in range(1, 5_001))
    writer = store.ledger.writer("sync-1", "me")
    writer.record([Resolution(0, Span(1, 5_000), 5_000, {}, refusals)], [])
    writer.record([refused(5_001, "x", Outcome.UNKNOWN)], [])
    assert [row.seq for row in store.ledger.exceptions("sync-1")] == list(range(1, 5_002))
    assert [row.seq for row in store.ledger.exceptions("sync-1", after=4_999)] == [5_000, 5_001]
    assert [row.seq for row in store.ledger.exceptions("sync-1", outcome=Outcome.UNKNOWN)] == [5_001]
    assert len(list(store.ledger.exceptions("sync-1", limit=2_500))) == 2_500
    assert list(store.ledger.exceptions("sync-1", limit=0)) == []


def test_detail_is_capped_and_exceptions_never(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tailrace.store.ledger.DETAILED_RECORDS", 2)
    opened(store)
    long = "x" * (DETAIL_CHARACTERS + 1)
    refusals = tuple(refusal(seq, payload=long, answer="no\x00!") for seq in (1, 2, 3))
    store.ledger.writer("sync-1", "me").record([Resolution(0, Span(1, 3), 3, {}, refusals)], [])
    first, second, third = store.ledger.exceptions("sync-1")
    assert first.payload == second.payload == long[:-1] + "…"
    assert first.answer == "no�!"
    assert (third.payload, third.answer, third.message) == (None, None, "the email is bad")
    assert DETAILED_RECORDS > 1_000


def test_attempts_of_a_record_and_refusals_of_a_mapping_are_found_over_all_its_syncs(
    store: Store, clock: ManualClock
) -> None:
    for number, keys in enumerate([["a", "b"], ["a"], ["c"]]):
        sync = f"sync-{number}"
        opened(store, sync=sync)
        found = [refused(seq, key) for seq, key in enumerate(keys, 1)]
        lost = refused(50, "u", Outcome.UNKNOWN)
        store.ledger.writer(sync, "me").record([*found, lost], [])
        store.syncs.finish(sync, "me", "partial")
        clock.advance(timedelta(minutes=1))
    begin(store, "other", state_id="orders_1", mapping="orders")
    store.ledger.open_units("other", "me", [UnitPlan(0, Span(1, 9), 9)])
    store.ledger.writer("other", "me").record([refused(1, "a")], [])

    assert [(row.sync, row.outcome) for row in store.ledger.attempts("customers_1", "a")] == [
        ("sync-1", Outcome.REJECTED),
        ("sync-0", Outcome.REJECTED),
    ]
    assert [row.sync for row in store.ledger.attempts("customers_1", "u")] == ["sync-2", "sync-1", "sync-0"]
    newest = [(row.key, row.sync) for row in store.ledger.rejected("customers_1")]
    assert newest == [("c", "sync-2"), ("a", "sync-1"), ("b", "sync-0")]
    assert store.ledger.attempts("customers_1", "nobody") == []


def test_forgotten_units_leave_the_exceptions(store: Store) -> None:
    opened(store)
    store.ledger.writer("sync-1", "me").record([refused(1, "a")], [])
    store.ledger.forget_units("sync-1")
    assert store.ledger.load("sync-1") == {}
    assert [row.key for row in store.ledger.exceptions("sync-1")] == ["a"]
