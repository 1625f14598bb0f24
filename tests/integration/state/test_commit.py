"""What a finished, cancelled or abandoned plan leaves as state (R21, R25 to R27), on both warehouses."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from tests.integration.state.managed import Managed, ending, refusal

from tailrace.errors import FenceLost, StateError
from tailrace.outcomes import Outcome, Span
from tailrace.sources.base import Session
from tailrace.state import commit, seal, upkeep
from tailrace.state.progress import load_progress

KNOWN = (("added", "k1", 1, "x"), ("added", "k2", 2, "y"), ("added", "k3", 3, "z"))
DELIVERED = (True, False, None)


def test_r26_a_first_sync_becomes_the_state(managed: Managed) -> None:
    managed.sync(*KNOWN)
    assert managed.records() == {
        "k1": (1, "x", *DELIVERED),
        "k2": (2, "y", *DELIVERED),
        "k3": (3, "z", *DELIVERED),
    }
    after = managed.checkpoint()
    assert (after.phase, after.plan_table, after.row_count, after.first) == ("idle", None, 3, False)
    assert not [name for name in managed.tables() if name.startswith("changes_")]
    columns = {
        name
        for name, _ in managed.rows(
            managed.dialect.table_columns(managed.names.schema, managed.names.records)
        )
    }
    versions = {"record_version", "record_removed"} if managed.dialect.insert_only else set[str]()
    versions |= {"digest"} if managed.dialect.compares_digests else set()
    assert columns - versions == {
        "record_id", "a", "b", "delivered", "uncertain", "baseline", "record_level_id", "synced_n"
    }  # fmt: skip
    assert versions <= columns
    assert set(managed.records(columns="synced_n").values()) == {(1,)}


def test_r26_later_syncs_add_update_and_delete(managed: Managed) -> None:
    managed.sync(*KNOWN)
    managed.sync(("updated", "k1", 10, None), ("deleted", "k2", 2, "y"), ("added", "k4", 4, "w"))
    assert managed.records() == {
        "k1": (10, None, *DELIVERED),
        "k3": (3, "z", *DELIVERED),
        "k4": (4, "w", *DELIVERED),
    }
    assert managed.checkpoint().row_count == 3
    assert managed.records(columns="synced_n") == {"k1": (2,), "k3": (1,), "k4": (2,)}


def test_r26_only_what_was_resolved_and_not_excepted_is_state(managed: Managed) -> None:
    managed.sync(*KNOWN)
    fence = managed.fence()
    plan = managed.plan(
        ("updated", "k1", 10, "x"), ("updated", "k2", 20, "y"), ("deleted", "k3", 3, "z"), ("added", "k4", 4, "w"),
        ("added", "k5", 5, "v"),
    )  # fmt: skip
    managed.seal(fence, plan)
    managed.progress(fence, plan, [Span(1, 2)], [refusal(2)])
    managed.progress(fence, plan, [Span(4, 4)])
    managed.finish(fence, plan, status="cancelled")
    assert managed.records() == {
        "k1": (10, "x", *DELIVERED),
        "k2": (2, "y", *DELIVERED),
        "k3": (3, "z", *DELIVERED),
        "k4": (4, "w", *DELIVERED),
    }
    assert managed.checkpoint().row_count == 4


def test_r25_progress_that_stands_there_twice_counts_once(managed: Managed) -> None:
    fence = managed.fence()
    plan = managed.plan(*KNOWN, ("set_aside", None, 1, "x"))
    managed.seal(fence, plan)
    for _ in range(2):
        managed.progress(fence, plan, [Span(1, 2)], [refusal(2, message="a \0 in it")])
    managed.progress(fence, plan, [Span(2, 3)])
    managed.finish(fence, plan)
    assert set(managed.records()) == {"k1", "k3"}
    assert managed.checkpoint().row_count == 2


def test_r25_progress_is_read_back_as_committed(managed: Managed) -> None:
    fence = managed.fence()
    plan = managed.plan(*KNOWN)
    managed.seal(fence, plan, ceiling=2)
    managed.progress(fence, plan, [Span(1, 1)], [refusal(1, Outcome.UNKNOWN, "id-1", "timed out")], ceiling=3)
    managed.progress(fence, plan, [Span(2, 2)])
    with managed.source.session() as session:
        found = load_progress(session, managed.dialect, managed.names, plan.table)
    assert [(unit.number, unit.span, unit.records) for unit in found.units] == [(0, Span(1, 3), 3)]
    assert found.resolved == {0: (Span(1, 2),)}
    assert found.spans == (Span(1, 2),)
    assert found.ceiling == 3
    assert found.exceptions.to_pylist() == [
        {"seq": 1, "outcome": "unknown", "reason": "http_400", "code": "invalid", "message": "timed out",
         "record_id": "id-1"}
    ]  # fmt: skip


@pytest.mark.parametrize("before", [(), KNOWN], ids=["first", "later"])
def test_r21_an_unknown_added_record_is_uncertain_with_the_values_last_sent(
    managed: Managed, before: tuple[tuple[object, ...], ...]
) -> None:
    if before:
        managed.sync(*before)
    more = [("added", f"n{number}", number, "n") for number in range(2, 12)]
    managed.sync(("added", "k9", 9, "sent"), *more, refusals=[refusal(1, Outcome.UNKNOWN, "id-9")])
    columns = "a, b, delivered, uncertain, baseline, record_level_id"
    assert managed.records(columns=columns)["k9"] == (9, "sent", False, True, None, "id-9")
    assert managed.records(columns=columns)["n2"] == (2, "n", True, False, None, None)
    assert managed.checkpoint().row_count == len(before) + 11


def test_r21_an_unknown_update_keeps_that_it_was_delivered(managed: Managed) -> None:
    managed.sync(*KNOWN)
    managed.sync(("updated", "k1", 10, "sent"), refusals=[refusal(1, Outcome.UNKNOWN, "id-1")])
    assert managed.records(columns="a, b, delivered, uncertain, record_level_id")["k1"] == (
        10, "sent", True, True, "id-1",
    )  # fmt: skip


def test_r21_an_unknown_delete_keeps_the_values_and_is_uncertain(managed: Managed) -> None:
    managed.sync(*KNOWN)
    managed.sync(("deleted", "k1", 1, "x"), refusals=[refusal(1, Outcome.UNKNOWN, "id-1")])
    assert managed.records(columns="a, b, delivered, uncertain, record_level_id")["k1"] == (
        1, "x", True, True, "deleted:id-1",
    )  # fmt: skip
    assert managed.checkpoint().row_count == 3


def test_r21_a_verdict_ends_the_uncertainty(managed: Managed) -> None:
    managed.sync(("added", "k1", 1, "x"), refusals=[refusal(1, Outcome.UNKNOWN)])
    assert managed.records()["k1"] == (1, "x", False, True, None)
    managed.sync(("added", "k1", 2, "y"))
    assert managed.records() == {"k1": (2, "y", *DELIVERED)}
    assert managed.checkpoint().row_count == 1


def test_r21_an_uncertain_record_that_is_deleted_leaves_no_state(managed: Managed) -> None:
    managed.sync(("added", "k1", 1, "x"), refusals=[refusal(1, Outcome.UNKNOWN)])
    managed.sync(("deleted", "k1", 1, "x"))
    assert managed.records() == {}
    assert managed.checkpoint().row_count == 0


def test_r26_giving_a_plan_up_keeps_what_is_proved_and_doubts_what_was_offered(managed: Managed) -> None:
    managed.sync(*KNOWN)
    fence = managed.fence()
    plan = managed.plan(
        ("updated", "k1", 10, "x"), ("updated", "k2", 20, "y"), ("added", "k4", 4, "w"), ("deleted", "k3", 3, "z"),
        ("added", "k5", 5, "v"),
    )  # fmt: skip
    managed.seal(fence, plan, ceiling=4)
    managed.progress(fence, plan, [Span(1, 1)])
    with managed.source.session() as session:
        commit.discard(session, fence, plan, replace(ending(plan), status="discarded", unknown=[Span(1, 4)]))
    assert managed.records() == {
        "k1": (10, "x", *DELIVERED),
        "k2": (20, "y", True, True, None),
        "k3": (3, "z", True, True, None),
        "k4": (4, "w", False, True, None),
    }
    after = managed.checkpoint()
    assert (after.phase, after.plan_table, after.row_count) == ("idle", None, 4)
    assert not [name for name in managed.tables() if name.startswith("changes_")]


def test_r08_baseline_rows_are_stored_with_the_plan_and_dropped_with_one(managed: Managed) -> None:
    managed.sync(("baseline_unsent", "k1", 1, "x"), ("baseline_known", "k2", 2, "y"))
    assert managed.records() == {
        "k1": (1, "x", False, False, "unsent"),
        "k2": (2, "y", False, False, "known"),
    }
    assert managed.checkpoint().row_count == 2
    managed.sync(("drop", "k1", 1, "x"), ("updated", "k2", 3, "y"))
    assert managed.records() == {"k2": (3, "y", *DELIVERED)}
    assert managed.checkpoint().row_count == 1


def test_r08_baseline_rows_beside_a_first_delivery(managed: Managed) -> None:
    added = [("added", f"k{number}", number, "x") for number in range(30)]
    managed.sync(
        *added, ("baseline_known", "b1", 1, "y"), ("set_aside", "s1", 1, "y"), ("count", None, None, None)
    )
    assert len(managed.records()) == 31
    assert managed.records()["b1"] == (1, "y", False, False, "known")
    assert managed.checkpoint().row_count == 31


def test_r14_with_checksums_no_value_is_kept(managed: Managed) -> None:
    managed.execute(managed.dialect.drop_table(managed.table(managed.names.records)))
    managed.set_up(remember="checksum")
    managed.sync(*KNOWN, remember="checksum")
    assert managed.records(columns="checksum, delivered") == {
        "k1": ("sum of 1 x", True), "k2": ("sum of 2 y", True), "k3": ("sum of 3 z", True),
    }  # fmt: skip
    managed.sync(("updated", "k1", 9, "x"), ("deleted", "k2", None, None), remember="checksum")
    assert managed.records(columns="checksum") == {"k1": ("sum of 9 x",), "k3": ("sum of 3 z",)}
    columns = {
        name
        for name, _ in managed.rows(
            managed.dialect.table_columns(managed.names.schema, managed.names.records)
        )
    }
    assert not columns & {"a", "b"}


def test_r17_an_undelivered_update_whose_values_are_the_states_stays_due(managed: Managed) -> None:
    """It was planned for how it renders; the next plan could not find it by its values."""
    managed.sync(*KNOWN)
    fence = managed.fence()
    plan = managed.plan(("updated", "k1", 1, "x"), ("updated", "k2", 2, "y"), ("updated", "k3", 30, "z"))
    managed.seal(fence, plan)
    managed.progress(fence, plan, [Span(1, 1)])
    managed.finish(fence, plan, status="cancelled")
    assert managed.records() == {
        "k1": (1, "x", *DELIVERED),
        "k2": (2, "y", True, True, None),
        "k3": (3, "z", *DELIVERED),
    }


def test_r14_values_are_filled_in_where_there_was_only_a_checksum(managed: Managed) -> None:
    managed.execute(managed.dialect.drop_table(managed.table(managed.names.records)))
    managed.set_up(remember="checksum")
    managed.sync(*KNOWN, remember="checksum")
    records = managed.table(managed.names.records)
    for column in managed.columns:
        managed.execute(managed.dialect.add_column(records, column.stored, column.native))
    managed.sync(("fill", "k1", 1, "x"), ("updated", "k2", 20, "y"))
    assert managed.records(columns="a, b, checksum, delivered, synced_n") == {
        "k1": (1, "x", None, True, 1),
        "k2": (20, "y", None, True, 2),
        "k3": (None, None, "sum of 3 z", True, 1),
    }
    assert managed.checkpoint().row_count == 3


def test_r16_a_column_that_is_used_no_more_stays_as_it_was(managed: Managed) -> None:
    managed.sync(*KNOWN)
    records = managed.table(managed.names.records)
    managed.execute(managed.dialect.add_column(records, "old", managed.dialect.type_of("text")))
    old = managed.dialect.concatenated("'of '", "record_id")
    managed.execute(f"UPDATE {records} SET old = {old} WHERE 1 = 1")
    managed.sync(
        ("updated", "k1", 10, "x"), ("updated", "k2", 20, "y"), ("added", "k4", 4, "w"),
        refusals=[refusal(2, Outcome.UNKNOWN)],
    )  # fmt: skip
    assert managed.records(columns="a, old") == {
        "k1": (10, "of k1"), "k2": (20, "of k2"), "k3": (3, "of k3"), "k4": (4, None),
    }  # fmt: skip


class Recording:
    """A session that remembers its statements."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.statements: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._session, name)

    def execute(self, statement: str) -> int:
        self.statements.append(statement)
        return self._session.execute(statement)


@pytest.mark.parametrize("first", [True, False])
def test_r26_a_first_sync_copies_no_row_where_tables_change_in_transactions(
    managed: Managed, first: bool
) -> None:
    if not first:
        managed.sync(("added", "k0", 1, "x"))
    fence = managed.fence()
    plan = managed.plan(*KNOWN)
    managed.seal(fence, plan)
    managed.progress(fence, plan, [Span(1, 3)])
    with managed.source.session() as session:
        recording = Recording(session)
        managed.finish(fence, plan, session=recording)  # pyright: ignore[reportArgumentType]
    copies = [
        text for text in recording.statements if re.match(r"INSERT INTO \S*\brecords_", text, re.IGNORECASE)
    ]
    d = managed.dialect
    becomes_the_state = first and d.ddl_in_transactions and d.rows_per_transaction is None
    assert bool(copies) is not becomes_the_state


class Killed(BaseException):
    """The process dies here."""


class Dying:
    """A session whose process dies before its statement number `left`."""

    def __init__(self, session: Session, left: int) -> None:
        self._session, self._left = session, left

    def __getattr__(self, name: str) -> object:
        return getattr(self._session, name)

    def _count(self) -> None:
        if self._left == 0:
            raise Killed
        self._left -= 1

    def execute(self, statement: str) -> int:
        self._count()
        return self._session.execute(statement)

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        self._count()
        return self._session.rows(statement)

    def upload(self, table: str, data: object) -> int:
        self._count()
        return self._session.upload(table, data)  # pyright: ignore[reportArgumentType]

    @property
    def alive(self) -> bool:
        return self._left > 0


@pytest.mark.parametrize("before", [(), KNOWN], ids=["becoming the records table", "moving rows"])
def test_r26_death_between_any_two_statements_leaves_the_old_or_the_new(
    managed: Managed, before: tuple[tuple[object, ...], ...]
) -> None:
    """Where one transaction may not move all rows, each of them is as it was or as it will be."""
    if before:
        managed.sync(*before)
    fence = managed.fence()
    plan = managed.plan(*[("added", f"n{number}", number, "n") for number in range(12)])
    managed.seal(fence, plan)
    managed.progress(fence, plan, [Span(1, 12)], [refusal(3), refusal(5, Outcome.UNKNOWN)])
    old, old_tables = managed.records(), managed.tables()
    new = old | {f"n{number}": (number, "n", *DELIVERED) for number in range(12) if number != 2}
    new["n4"] = (4, "n", False, True, None)
    steps, finished = 0, False
    while not finished:
        with managed.source.session() as session:
            dying = Dying(session, steps)
            try:
                managed.finish(fence, plan, session=dying)  # pyright: ignore[reportArgumentType]
                finished = True
            except Killed:
                there, found = managed.records(), managed.checkpoint()
                assert found.row_count == len(there), steps
                if managed.dialect.rows_per_transaction is None and found.phase == "planned":
                    assert (there, managed.tables()) == (old, old_tables), steps
                elif found.phase == "planned":
                    assert old.items() <= there.items() <= new.items(), steps
                else:
                    assert there == new, steps
        steps += 1
    assert steps > 10
    assert managed.records() == new
    assert managed.checkpoint().row_count == len(before) + 11
    assert plan.table not in managed.tables()
    assert managed.rows(f"SELECT count(*) FROM {managed.table('sync_log')} WHERE n = {plan.n}") == [(1,)]


def test_r02_finishing_again_after_a_lost_answer_changes_nothing(managed: Managed) -> None:
    fence = managed.fence()
    plan = managed.plan(*KNOWN)
    managed.seal(fence, plan)
    managed.progress(fence, plan, [Span(1, 3)])
    assert managed.finish(fence, plan) == 3
    assert managed.finish(fence, plan) == 3
    assert managed.rows(f"SELECT count(*) FROM {managed.table('sync_log')}") == [(1,)]


def test_r26_a_reader_of_the_records_table_holds_a_first_sync_up_only_shortly(managed: Managed) -> None:
    fence = managed.fence()
    plan = managed.plan(*KNOWN)
    managed.seal(fence, plan)
    managed.progress(fence, plan, [Span(1, 3)])
    records = managed.table(managed.names.records)
    with managed.source.session() as reader, reader.transaction():
        assert reader.rows(f"SELECT count(*) FROM {records}") == [(0,)]
        managed.finish(fence, plan)
    assert set(managed.records()) == {"k1", "k2", "k3"}
    assert managed.checkpoint().row_count == 3


def test_r04_a_plan_is_sealed_once_and_only_under_the_fence(managed: Managed) -> None:
    stale = managed.take("stale").fence
    late = managed.plan(*KNOWN)
    fence = managed.fence("new")
    with pytest.raises(FenceLost):
        managed.seal(stale, late)
    assert managed.checkpoint().phase == "idle"
    plan = managed.plan(*KNOWN)
    managed.seal(fence, plan, first=True)
    managed.seal(fence, plan, first=True)
    sealed = managed.checkpoint()
    assert (sealed.phase, sealed.plan_table, sealed.n, sealed.sync_id) == (
        "planned",
        plan.table,
        plan.n,
        plan.sync_id,
    )
    assert (sealed.counts, sealed.columns, sealed.spec) == (plan.counts, plan.columns, plan.spec)
    with pytest.raises(StateError, match="sealed"):
        managed.seal(fence, managed.plan(*KNOWN))


def test_r04_unsealed_plans_of_this_mapping_are_dropped_and_nothing_else(managed: Managed) -> None:
    fence = managed.fence()
    left, sealed = managed.plan(*KNOWN), managed.plan(*KNOWN)
    managed.seal(fence, sealed)
    neighbour = f"changes_{managed.names.id}_1_aaaaaaaa_1_b"
    foreign = managed.names.changes(9, "mine")
    for name in (neighbour, foreign):
        managed.execute(managed.dialect.create_table(managed.table(name), [("x", "integer")]))
    managed.execute(managed.dialect.mark(managed.table(neighbour)))
    with managed.source.session() as session:
        assert seal.drop_leftovers(session, fence) == [left.table]
        present = {name for name, _ in session.rows(managed.dialect.list_tables(managed.names.schema))}
    assert {sealed.table, neighbour, foreign} <= present


def test_r26_a_changed_row_count_blocks_until_it_is_accepted(managed: Managed) -> None:
    managed.sync(*KNOWN)
    fence = managed.fence()
    with managed.source.session() as session:
        assert upkeep.verify_row_count(session, fence, 3) == upkeep.RowCounts(3, 3)
    managed.execute(f"DELETE FROM {managed.table(managed.names.records)} WHERE record_id = 'k1'")
    with managed.source.session() as session:
        with pytest.raises(StateError) as damaged:
            upkeep.verify_row_count(session, fence, managed.checkpoint().row_count)
        assert damaged.value.code == "state_damaged"
        upkeep.accept_row_count(session, fence)
        upkeep.verify_row_count(session, fence, managed.checkpoint().row_count)


def test_a_reset_forgets_everything_but_the_fence_and_the_numbers(managed: Managed) -> None:
    managed.sync(*KNOWN, refusals=[refusal(1)])
    fence = managed.fence()
    plan = managed.plan(("updated", "k2", 5, "y"))
    managed.seal(fence, plan)
    before = managed.checkpoint()
    with managed.source.session() as session:
        assert upkeep.reset(session, fence) == 2
    after = managed.checkpoint()
    assert (after.fence, after.n, after.owner) == (before.fence, before.n, before.owner)
    assert (after.phase, after.row_count, after.first, after.columns) == ("idle", 0, True, None)
    assert not {plan.table, managed.names.records} & managed.tables()
    assert managed.rows(f"SELECT count(*) FROM {managed.table(managed.names.rejections)}") == [(0,)]
    managed.set_up()
    managed.sync(*KNOWN)
    assert len(managed.records()) == 3


def test_r04_a_reset_that_died_halfway_is_nothing_or_all_of_it(managed: Managed) -> None:
    """Where tables are not dropped in transactions, the next owner drops what the checkpoint no longer means."""
    managed.sync(*KNOWN)
    steps, done = 0, False
    while not done:
        fence = managed.fence()
        with managed.source.session() as session:
            dying = Dying(session, steps)
            try:
                upkeep.reset(dying, fence)  # pyright: ignore[reportArgumentType]
                done = True
            except Killed:
                found = managed.checkpoint()
                if found.row_count:
                    assert len(managed.records()) == found.row_count == 3
                    assert not found.first
                else:
                    assert (found.first, found.columns) == (True, None)
                    seal.drop_leftovers(session, managed.fence())
                    assert managed.names.records not in managed.tables()
        steps += 1
    assert steps > 5
    fence = managed.fence()
    with managed.source.session() as session:
        upkeep.verify_row_count(session, fence, managed.checkpoint().row_count)
    managed.set_up()
    managed.sync(("added", "new", 1, "x"))
    assert set(managed.records()) == {"new"}


def test_records_are_marked_to_be_sent_again(managed: Managed) -> None:
    managed.sync(*KNOWN)
    fence = managed.fence()
    with managed.source.session() as session:
        assert upkeep.mark_resend(session, fence, ["k1", "gone"]) == 1
        assert [key for key, row in managed.records().items() if row[3]] == ["k1"]
        assert upkeep.mark_resend(session, fence, None) == 3
