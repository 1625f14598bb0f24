"""Which records a plan sends, holds back, sets aside or drops (R5, R7–R9, R21, R32), on both warehouses."""

from __future__ import annotations

import pytest
from tests.integration.state.shop import MIRROR, UPSERT, Planned, Shop, add, check

from tailrace.state.plan import DELETED_ID

MODEL = "SELECT id, name FROM customers"

pytestmark = pytest.mark.usefixtures("customers")


def test_r05_first_sync_then_changes(shop: Shop) -> None:
    add(shop, (1, "a"), (2, "b"), (3, "c"))
    first = shop.sync(MODEL)
    assert first.changes() == {"added": ["1", "2", "3"]}
    check(first, 3)
    shop.run("UPDATE customers SET name = 'B' WHERE id = 2", "DELETE FROM customers WHERE id = 3")
    add(shop, (4, "d"))
    second = shop.plan(MODEL)
    assert second.changes() == {"added": ["4"], "updated": ["2"], "deleted": ["3"]}
    check(second, 3)
    assert {(row["_operation"], row["_key"], row["name"]) for row in second.send()} == {
        ("added", "4", "d"),
        ("updated", "2", "B"),
        ("deleted", "3", "c"),
    }
    second.deliver()
    third = shop.plan(MODEL)
    assert third.changes() == {}
    assert third.counts.counts.unchanged == 3
    check(third, 3)


def test_r05_a_new_null_is_the_new_value_and_not_the_old_one(shop: Shop) -> None:
    add(shop, (1, "a"))
    shop.sync(MODEL)
    shop.run("UPDATE customers SET name = NULL")
    planned = shop.plan(MODEL)
    assert [(row["_operation"], row["name"]) for row in planned.send()] == [("updated", None)]
    planned.deliver()
    assert shop.plan(MODEL).changes() == {}


def test_r05_the_model_stands_in_the_statement_once_and_is_read_once(shop: Shop) -> None:
    add(shop, (1, "a"))
    for _ in range(2):
        planned = shop.plan(MODEL)
        statements = planned.statements()
        assert "\n".join(statements.listed).count("FROM customers") == 1
        statement = next(each for each in statements.listed if "FROM customers" in each)
        with shop.source.session(model=True) as session, statements.staged(session):
            steps = session.rows(f"EXPLAIN {statement}")
        text = "\n".join(str(column) for row in steps for column in row)
        reads = text.count("on customers") if shop.postgres else text.count("main.customers")
        assert reads == 1, text
        planned.deliver()


def test_r05_volatile_models_are_planned_from_one_evaluation(shop: Shop) -> None:
    add(shop, *((number, "a") for number in range(200)))
    model = "SELECT CAST(floor(random() * 1000000000) AS bigint) AS id, name FROM customers"
    shop.sync("SELECT CAST(id AS bigint) AS id, name FROM customers")
    planned = shop.plan(model)
    check(planned, 200)
    assert planned.counts.counts.added + planned.counts.counts.set_aside > 190
    assert planned.counts.counts.deleted > 190


def test_r07_only_what_we_delivered_is_deleted(shop: Shop) -> None:
    add(shop, (1, "a"), (2, "b"), (3, "c"))
    first = shop.plan(MODEL)
    first.deliver(only=["1", "2"])
    shop.run("DELETE FROM customers")
    planned = shop.plan(MODEL)
    assert planned.changes() == {"deleted": ["1", "2"]}
    check(planned, 0)


def test_r07_a_key_that_became_repeated_is_neither_sent_nor_deleted(shop: Shop) -> None:
    add(shop, (1, "a"), (2, "b"))
    shop.sync(MODEL)
    add(shop, (2, "b"), (2, "other"))
    planned = shop.plan(MODEL)
    assert planned.changes() == {"set_aside": ["2", "2", "2"]}
    assert planned.send() == []
    check(planned, 4)
    shop.run("DELETE FROM customers WHERE id = 2 AND name = 'other'")
    planned = shop.plan(MODEL)
    assert planned.changes() == {"set_aside": ["2", "2"]}, "equal rows, both as delivered, are repeated too"
    check(planned, 3)


def test_r07_a_model_without_rows_plans_deletes_that_the_guards_can_see(shop: Shop) -> None:
    add(shop, (1, "a"), (2, "b"))
    shop.sync(MODEL)
    shop.run("DELETE FROM customers")
    counts = shop.plan(MODEL).counts.counts
    assert (counts.model_rows, counts.deleted, counts.planned) == (0, 2, 2)


@pytest.mark.parametrize(
    ("operations", "first", "second"),
    [
        ({"added"}, {"added": ["1", "2", "3"]}, {"added": ["4"]}),
        (
            {"updated"},
            {"baseline_unsent": ["1", "2", "3"]},
            {"baseline_unsent": ["4"], "drop": ["3"], "updated": ["2"]},
        ),
        ({"deleted"}, {"baseline_unsent": ["1", "2", "3"]}, {"baseline_unsent": ["4"], "deleted": ["3"]}),
        (UPSERT, {"added": ["1", "2", "3"]}, {"added": ["4"], "updated": ["2"]}),
        (MIRROR, {"added": ["1", "2", "3"]}, {"added": ["4"], "updated": ["2"], "deleted": ["3"]}),
        (
            {"updated", "deleted"},
            {"baseline_unsent": ["1", "2", "3"]},
            {"baseline_unsent": ["4"], "updated": ["2"], "deleted": ["3"]},
        ),
        ({"added", "deleted"}, {"added": ["1", "2", "3"]}, {"added": ["4"], "deleted": ["3"]}),
    ],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, set | frozenset) else "",
)
def test_r08_modes(
    shop: Shop, operations: set[str], first: dict[str, list[str]], second: dict[str, list[str]]
) -> None:
    shop.operations = frozenset(operations)
    add(shop, (1, "a"), (2, "b"), (3, "c"))
    planned = shop.sync(MODEL)
    assert planned.changes() == first
    check(planned, 3)
    assert planned.counts.counts.not_sent == len(first.get("baseline_unsent", []))
    shop.run("UPDATE customers SET name = 'B' WHERE id = 2", "DELETE FROM customers WHERE id = 3")
    add(shop, (4, "d"))
    planned = shop.sync(MODEL)
    assert planned.changes() == second
    check(planned, 3)


def test_r08_what_a_mode_leaves_out_is_counted_and_found_by_a_later_mode(shop: Shop) -> None:
    add(shop, (1, "a"), (2, "b"))
    shop.operations = frozenset({"added"})
    shop.sync(MODEL)
    shop.run("UPDATE customers SET name = 'A' WHERE id = 1", "DELETE FROM customers WHERE id = 2")
    for _ in range(2):
        planned = shop.sync(MODEL)
        assert planned.changes() == {}
        check(planned, 1)
        counts = planned.counts.counts
        assert (counts.not_sent, counts.unchanged) == (1, 0)
        assert {each: share.not_sent for each, share in counts.by_operation.items()} == {
            "added": 0,
            "updated": 1,
            "deleted": 1,
        }
    shop.operations = MIRROR
    assert shop.plan(MODEL).changes() == {"updated": ["1"], "deleted": ["2"]}


def test_r08_unsent_baseline_is_added_once_the_mode_adds(shop: Shop) -> None:
    add(shop, (1, "a"), (2, "b"))
    shop.operations = frozenset({"updated"})
    shop.sync(MODEL)
    planned = shop.sync(MODEL)
    assert (planned.counts.counts.unchanged, planned.counts.counts.not_sent) == (2, 0)
    shop.operations = MIRROR
    planned = shop.plan(MODEL)
    assert planned.changes() == {"added": ["1", "2"]}
    check(planned, 2)
    shop.run("DELETE FROM customers")
    assert shop.plan(MODEL).changes() == {"drop": ["1", "2"]}, (
        "never delivered, so nothing is there to delete"
    )


def test_r08_first_sync_skip_takes_what_is_there_as_known(shop: Shop) -> None:
    add(shop, (1, "a"), (2, "b"), (3, "c"))
    planned = shop.sync(MODEL, first_sync_skip=True)
    assert planned.changes() == {"baseline_known": ["1", "2", "3"]}
    assert planned.counts.baseline == 3
    check(planned, 3)
    add(shop, (4, "d"))
    shop.run("UPDATE customers SET name = 'B' WHERE id = 2", "DELETE FROM customers WHERE id = 3")
    planned = shop.sync(MODEL, first_sync_skip=True)
    assert planned.changes() == {"added": ["4"], "updated": ["2"], "drop": ["3"]}
    assert planned.counts.dropped == 1
    check(planned, 3)
    shop.run("DELETE FROM customers WHERE id = 2")
    assert shop.plan(MODEL, first_sync_skip=True).changes() == {"deleted": ["2"]}, "sent once, so it is ours"


def test_r09_a_record_that_stops_matching_the_filter_is_deleted(shop: Shop) -> None:
    add(shop, (1, "keep"), (2, "keep"), (None, "drop"), (None, "drop"), (3, "drop"))
    shop.sync(MODEL, where="name = 'keep' -- only these")
    shop.run("UPDATE customers SET name = 'drop' WHERE id = 2")
    planned = shop.plan(MODEL, where="name = 'keep' -- only these")
    assert planned.changes() == {"deleted": ["2"]}, "the filter goes before the key checks"
    check(planned, 1)


def test_r21_uncertain_records_go_again_or_are_deleted(shop: Shop) -> None:
    add(shop, (1, "a"), (2, "b"))
    shop.plan(MODEL).deliver(outcome="unknown")
    planned = shop.plan(MODEL)
    assert planned.changes() == {"added": ["1", "2"]}, "never proved to be delivered"
    records = shop.table(shop.names.records)
    shop.execute(f"UPDATE {records} SET delivered = TRUE WHERE record_id = '1'")
    assert shop.plan(MODEL).changes() == {"added": ["2"], "updated": ["1"]}
    shop.run("DELETE FROM customers")
    assert shop.plan(MODEL).changes() == {"deleted": ["1", "2"]}
    shop.operations = frozenset({"deleted"})
    assert shop.plan(MODEL).changes() == {"deleted": ["1", "2"]}
    shop.operations = UPSERT
    planned = shop.plan(MODEL)
    assert planned.changes() == {}
    assert planned.counts.counts.by_operation["deleted"].not_sent == 2


def test_r21_the_record_level_id_stays_while_operation_and_values_are_the_same(shop: Shop) -> None:
    add(shop, (1, "a"), (2, "b"), (3, "c"), (4, "d"))
    shop.plan(MODEL).deliver(outcome="unknown")
    records = shop.table(shop.names.records)
    shop.execute(
        f"UPDATE {records} SET record_level_id = 'id-' || record_id",
        f"UPDATE {records} SET record_level_id = '{DELETED_ID}gone-' || record_id WHERE record_id IN ('3', '4')",
    )
    shop.run("UPDATE customers SET name = 'B' WHERE id = 2", "DELETE FROM customers WHERE id = 4")
    assert {row["_key"]: row["_prior_id"] for row in shop.plan(MODEL).send()} == {
        "1": "id-1",
        "2": None,
        "3": None,
        "4": "gone-4",
    }


def test_r32_limit_seals_the_first_and_counts_the_rest_as_not_sent(shop: Shop) -> None:
    add(shop, *((number, "a") for number in range(20)))
    whole = [row["_key"] for row in shop.plan(MODEL).send()]
    planned = shop.plan(MODEL, limit=5)
    check(planned, 20)
    assert [row["_key"] for row in planned.send()] == whole[:5]
    assert (planned.counts.counts.added, planned.counts.counts.not_sent) == (5, 15)
    assert planned.counts.unlimited.added == 20
    planned.deliver()
    shop.run("DELETE FROM customers WHERE id < 10")
    second = shop.plan(MODEL, limit=3)
    check(second, 10)
    assert second.counts.counts.planned == 3
    full = shop.plan(MODEL)
    assert second.counts.unlimited == full.counts.counts
    held_back = full.counts.counts.by_operation["deleted"].planned - second.counts.counts.deleted
    assert second.counts.counts.by_operation["deleted"].not_sent == held_back


def test_r23_quarantined_records_wait(shop: Shop) -> None:
    add(shop, (1, "a"), (2, "b"), (3, "c"), (4, "d"))
    shop.plan(MODEL).deliver(only=["4"])
    shop.run("DELETE FROM customers WHERE id = 4")
    planned = shop.plan(MODEL)
    refuse(shop, planned, attempts=3)
    waiting = shop.plan(MODEL, quarantine=True, fingerprint="settings")
    assert waiting.changes() == {"quarantined": ["1", "2", "3", "4"]}
    check(waiting, 3)
    assert waiting.send() == []
    counts = waiting.counts.counts
    assert (counts.quarantined, counts.planned) == (3, 0)
    assert counts.by_operation["deleted"].quarantined == 1
    assert shop.plan(MODEL, quarantine=True, fingerprint="other").changes() == planned.changes()
    shop.run("UPDATE customers SET name = 'B' WHERE id = 2")
    assert shop.plan(MODEL, quarantine=True, fingerprint="settings").changes() == {
        "added": ["2"],
        "quarantined": ["1", "3", "4"],
    }
    limited = shop.plan(MODEL, quarantine=True, fingerprint="settings", limit=0)
    assert (limited.counts.counts.not_sent, limited.counts.counts.quarantined) == (1, 2)


def test_r23_two_refusals_or_a_time_that_has_come_hold_nothing_back(shop: Shop) -> None:
    add(shop, (1, "a"), (2, "b"))
    planned = shop.plan(MODEL)
    refuse(shop, planned, attempts=2)
    assert shop.plan(MODEL, quarantine=True, fingerprint="settings").changes() == {"added": ["1", "2"]}
    refuse(shop, planned, attempts=3, wait=-10)
    assert shop.plan(MODEL, quarantine=True, fingerprint="settings").changes() == {"added": ["1", "2"]}


def refuse(shop: Shop, planned: Planned, *, attempts: int, wait: float = 3600) -> None:
    """As if every planned record had been refused."""
    rejections = shop.table(shop.names.rejections)
    later = shop.dialect.plus_seconds(shop.dialect.now(), wait)
    shop.execute(
        f"DELETE FROM {rejections}",
        f"INSERT INTO {rejections} (record_id, operation, checksum, attempts, next_try_at, fingerprint)"
        f" SELECT c.record_id, c.operation, {planned.checksum('c')}, {attempts}, {later}, 'settings'"
        f" FROM {shop.table(planned.table)} AS c WHERE seq IS NOT NULL",
    )
