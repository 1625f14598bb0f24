"""State that is only ever added to (R28): the newest row of a key counts, and what is superseded is taken out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.integration.state.managed import Managed, refusal
from tests.integration.state.writing import written

from tailrace.errors import FenceLost, SourceError, StateError
from tailrace.outcomes import Outcome
from tailrace.sources.duckdb.source import DuckDBSource
from tailrace.state import upkeep
from tailrace.state.compaction import compact
from tailrace.state.names import StateNames

KNOWN = tuple(("added", f"k{number}", number, "x") for number in range(20))
DELIVERED = (True, False, None)


@pytest.fixture
def managed(tmp_path: Path) -> Managed:
    """A mapping's state in a warehouse whose sessions refuse to update or delete state rows."""
    source = DuckDBSource("warehouse", {"path": str(tmp_path / "shop.duckdb")}, folder=tmp_path)
    made = Managed(written(source, "inserts"), StateNames(source.schema, "map_12345678"))
    made.set_up()
    return made


def stored(managed: Managed) -> int:
    """Rows in the table, those that count no more included."""
    return int(managed.rows(f"SELECT count(*) FROM {managed.table(managed.names.records)}")[0][0])


def test_r28_state_rows_are_added_and_the_newest_of_a_key_counts(managed: Managed) -> None:
    managed.sync(*KNOWN)
    managed.sync(("updated", "k1", 10, "y"), ("deleted", "k2", 2, "x"), ("added", "new", 1, "z"))
    assert managed.records()["k1"] == (10, "y", *DELIVERED)
    assert "k2" not in managed.records()
    assert managed.checkpoint().row_count == len(managed.records()) == 20
    assert stored(managed) == 20 + 3
    table = managed.table(managed.names.records)
    removed = managed.rows(f"SELECT record_id, a, b FROM {table} WHERE record_removed")
    assert removed == [("k2", None, None)], "of a record that is gone, no value is kept longer than need be"


def test_r28_a_record_may_come_again_after_it_was_removed(managed: Managed) -> None:
    managed.sync(*KNOWN)
    managed.sync(("deleted", "k1", 1, "x"))
    managed.sync(("added", "k1", 5, "again"))
    assert managed.records()["k1"] == (5, "again", *DELIVERED)
    assert managed.checkpoint().row_count == 20


def test_r28_the_order_is_total_within_one_sync(managed: Managed) -> None:
    """Marks and doubts keep the number of the sync that wrote the values, and yet come after it."""
    managed.sync(*KNOWN, refusals=[refusal(2, Outcome.UNKNOWN, "id-2")])
    fence = managed.fence()
    with managed.source.session() as session:
        assert upkeep.mark_resend(session, fence, ["k0", "k0", "k1", "gone"]) == 2
        assert upkeep.mark_resend(session, fence, None) == 20
    rows = managed.records(columns="a, uncertain, record_level_id, synced_n")
    assert rows["k0"] == (0, True, None, 1)
    assert rows["k1"] == (1, True, None, 1)
    table = managed.table(managed.names.records)
    versions = managed.rows(f"SELECT record_version FROM {table} WHERE record_id = 'k0' ORDER BY 1")
    assert [version for (version,) in versions] == sorted({version for (version,) in versions})


def test_r28_a_table_is_compacted_when_it_has_grown_by_more_than_a_fifth(managed: Managed) -> None:
    managed.sync(*KNOWN)
    managed.sync(*[("updated", f"k{number}", number, "y") for number in range(4)])
    assert stored(managed) == 24, "a fifth is not more than a fifth"
    managed.sync(("deleted", "k19", 19, "x"))
    assert stored(managed) == len(managed.records()) == managed.checkpoint().row_count == 19
    managed.sync(("added", "k19", 1, "back"), ("updated", "k0", 0, "z"))
    assert managed.records()["k19"] == (1, "back", *DELIVERED)
    assert managed.records()["k0"] == (0, "z", *DELIVERED)


def test_r28_a_process_that_lost_its_fence_compacts_nothing(managed: Managed) -> None:
    managed.sync(*KNOWN)
    old = managed.fence("old")
    with managed.source.session() as session:
        upkeep.mark_resend(session, old, None)
    managed.fence("new")
    with managed.source.session() as session, pytest.raises(FenceLost):
        compact(session, old, 20)
    assert stored(managed) == 40


def test_r28_a_compaction_that_fails_is_no_failure_of_the_sync(
    managed: Managed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> int:
        raise SourceError("the quota is spent")

    managed.sync(*KNOWN)
    with monkeypatch.context() as patched:
        patched.setattr("tailrace.state.commit.compact", fail)
        managed.sync(*[("updated", f"k{number}", number, "y") for number in range(10)])
    assert managed.checkpoint().phase == "idle"
    assert stored(managed) == 30
    managed.sync(("updated", "k0", 0, "z"))
    assert stored(managed) == 20
    assert managed.checkpoint().row_count == 20


def test_r28_the_row_count_is_of_records_and_is_checked(managed: Managed) -> None:
    managed.sync(*KNOWN)
    managed.sync(("deleted", "k1", 1, "x"), ("updated", "k2", 5, "y"))
    fence = managed.fence()
    with managed.source.session() as session:
        assert upkeep.verify_row_count(session, fence, 19) == upkeep.RowCounts(19, 19)
    managed.execute(f"DELETE FROM {managed.table(managed.names.records)} WHERE record_removed")
    with managed.source.session() as session, pytest.raises(StateError) as damaged:
        upkeep.verify_row_count(session, fence, managed.checkpoint().row_count)
    assert damaged.value.code == "state_damaged"
