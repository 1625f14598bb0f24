"""A transaction of Db2's must fit into its log: rows move in parts, and what is lost between two of them is made good."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.db2 import Db2Warehouse
from tests.e2e.project import Project, sending
from tests.servers.db2 import Database, Db2Server
from tests.servers.db2.faults import LOG_FULL

from tailrace.runtime.events import Event
from tailrace.sources.db2.dialect import Db2Dialect
from tailrace.testing.receiver import Receiver

ROWS = 2_000
PART = 500
PART_ENDS = r'"ROW_COUNT" = "ROW_COUNT" \+'
"""The last statement of a part."""


@pytest.fixture
def shop(db2_database: Database, tmp_path: Path, receiver: Receiver) -> Project:
    made = Project(tmp_path, Db2Warehouse(db2_database), receiver)
    made.aim(batch=500)
    made.many(ROWS)
    return made


def small_log_from_sending_on(database: Database, event: Event) -> None:
    """The plan is one transaction: it is what comes after it that is cut."""
    if sending(event):
        database.log_rows = PART * 2


def moves(db2: Db2Server) -> int:
    return sum("INSERT INTO" in each and "RECORDS_" in each.splitlines()[0] for each in db2.statements)


def kept(shop: Project) -> tuple[int, int]:
    """How many records the state has, and how many it says that it has."""
    ((records,),) = shop.state("SELECT count(*) FROM {records}")
    ((counted,),) = shop.state("SELECT row_count FROM {checkpoints}")
    return records, counted


def test_r26_rows_move_in_parts_that_fit_into_the_log(
    shop: Project, db2: Db2Server, db2_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Db2Dialect, "rows_per_transaction", PART)
    db2.statements.clear()
    document = shop.sync(watch=lambda event: small_log_from_sending_on(db2_database, event))
    assert document.status == "success", document.error
    assert moves(db2) >= ROWS // PART
    assert kept(shop) == (ROWS, ROWS)


def test_r26_a_server_that_is_lost_after_some_parts_is_gone_on_with_behind_them(
    shop: Project, db2: Db2Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Db2Dialect, "rows_per_transaction", PART)
    db2.drop("commit", before=True, matching=PART_ENDS, skip=2, times=None)
    assert shop.sync().error is not None
    records, counted = kept(shop)
    assert PART <= records == counted <= 2 * PART
    db2.faults.clear()
    shop.finish()
    assert kept(shop) == (ROWS, ROWS)
    assert shop.receiver.stats()["arrived"] == ROWS, "none was sent twice"


def test_r26_a_part_whose_answer_was_lost_is_moved_once(
    shop: Project, db2: Db2Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Db2Dialect, "rows_per_transaction", PART)
    lost = db2.drop("commit", matching=PART_ENDS, skip=1)
    shop.ok()
    assert lost.happened.is_set()
    assert kept(shop) == (ROWS, ROWS)


def test_a_log_that_is_too_small_is_told_of_and_costs_nothing(shop: Project, db2_database: Database) -> None:
    document = shop.sync(watch=lambda event: small_log_from_sending_on(db2_database, event))
    assert document.error is not None
    assert document.error.code == "source_log_full"
    assert "LOGFILSIZ" in str(document.error.hint)
    assert kept(shop) == (0, 0)
    db2_database.log_rows = None
    assert shop.syncs()[-1].status == "success"
    assert kept(shop) == (ROWS, ROWS)
    assert shop.receiver.stats()["arrived"] == ROWS, "none was sent twice"


def test_a_plan_that_exceeds_the_log_is_told_of_and_filters_make_smaller_ones(
    shop: Project, db2_database: Database
) -> None:
    db2_database.log_rows = ROWS * 3 // 4
    for _ in range(2):
        document = shop.sync()
        assert document.error is not None
        assert document.error.code == "source_log_full"
        assert "`where`" in str(document.error.hint)
        assert "LOGSECOND" in str(document.error.hint)
        assert not [table for table in shop.tables() if table.startswith("changes_")], "nothing is left of it"
        assert shop.receiver.stats()["arrived"] == 0
    shop.edit(where=f"id <= {ROWS // 2}")
    assert shop.syncs()[-1].counts.delivered == ROWS // 2
    shop.edit(where=None)
    assert shop.ok().counts.delivered == ROWS // 2
    assert kept(shop) == (ROWS, ROWS)


def test_a_plan_that_exceeded_the_log_is_made_anew_once_the_log_is_larger(
    shop: Project, db2: Db2Server
) -> None:
    lost = db2.fail(LOG_FULL, "commit", matching=r"COMMENT ON \S+ \S+CHANGES_")
    document = shop.sync()
    assert lost.happened.is_set()
    assert document.error is not None
    assert document.error.code == "source_log_full", document.error
    assert shop.syncs()[-1].counts.delivered == ROWS
    assert kept(shop) == (ROWS, ROWS)
    assert shop.receiver.stats()["arrived"] == ROWS
