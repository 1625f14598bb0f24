"""Plans whose rows move in several transactions, each with its progress (R26): whoever dies in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.integration.state.managed import Managed, ending, refusal
from tests.integration.state.writing import ROWS, written

from tailrace.outcomes import Outcome, Span
from tailrace.sources.base import Session
from tailrace.sources.duckdb.source import DuckDBSource
from tailrace.sources.postgres.source import PostgresSource
from tailrace.state import commit, seal, upkeep
from tailrace.state.names import StateNames
from tailrace.state.seal import SealedPlan

DELIVERED = (True, False, None)
KNOWN = tuple(("added", f"k{number}", number, "x") for number in range(6))
CHANGES = (
    *(("updated", f"k{number}", number, "y") for number in range(3)),
    ("deleted", "k3", 3, "x"),
    ("updated", "k4", 4, "x"),
    *(("added", f"n{number}", number, "z") for number in range(5)),
    *(("baseline_known", f"b{number}", number, "w") for number in range(3)),
    ("drop", "k5", 5, "x"),
)


class Killed(BaseException):
    """The process dies here."""


class Dying:
    """A session whose process dies before its transaction number `left`, counted from 0."""

    def __init__(self, session: Session, left: int) -> None:
        self._session, self._left = session, left

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self._left == 0:
            raise Killed
        self._left -= 1
        with self._session.transaction():
            yield


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A warehouse that moves few rows in one transaction."""
    if request.param == "duckdb":
        made = DuckDBSource("warehouse", {"path": str(tmp_path / "shop.duckdb")}, folder=tmp_path)
        return written(made, "parts")
    database = request.getfixturevalue("postgres_database")
    return written(PostgresSource("warehouse", database.settings(), folder=tmp_path), "parts")


def mapping(source: Any, number: int) -> Managed:
    made = Managed(source, StateNames(source.schema, f"map_{number:08}"))
    made.set_up()
    return made


def sealed(managed: Managed, *, resolved: Span = Span(1, 10)) -> SealedPlan:
    """A plan of every kind of change, delivered but for one in doubt and one refused."""
    managed.sync(*KNOWN)
    fence = managed.fence("first")
    plan = managed.plan(*CHANGES)
    managed.seal(fence, plan)
    managed.progress(fence, plan, [resolved], [refusal(2, Outcome.UNKNOWN, "id-2"), refusal(5)])
    return plan


def outcome(managed: Managed) -> tuple[object, ...]:
    columns = "a, b, delivered, uncertain, baseline, record_level_id, synced_n"
    found = managed.checkpoint()
    plans = [name for name in managed.tables() if name.startswith(managed.names.changes_prefix)]
    return managed.records(columns=columns), found.row_count, found.phase, plans


def test_r26_death_between_any_two_transactions_and_another_process_finishes_it(warehouse: Any) -> None:
    whole = mapping(warehouse, 0)
    whole_plan = sealed(whole)
    whole.finish(whole.fence("other"), whole_plan)
    expected = outcome(whole)
    assert expected[1] == len(expected[0]) == 5 - 1 + 5 + 3  # type: ignore[arg-type]
    transactions = 1
    while True:
        managed = mapping(warehouse, transactions)
        plan = sealed(managed)
        with managed.source.session() as session:
            dying: Any = Dying(session, transactions)
            try:
                managed.finish(managed.fence("dies"), plan, session=dying)
                break
            except Killed:
                between = managed.checkpoint()
                assert between.row_count == len(managed.records())
                assert (between.phase, between.plan_table) == ("planned", plan.table)
        fence = managed.fence("other")
        with managed.source.session() as session:
            upkeep.verify_row_count(session, fence, between.row_count)
            seal.drop_leftovers(session, fence)
        managed.finish(fence, plan)
        assert outcome(managed) == expected, transactions
        transactions += 1
    assert transactions == 10 // ROWS + 2, "positions, rows without one, and the end"


def test_r26_what_is_delivered_after_an_unfinished_end_moves_too(warehouse: Any) -> None:
    """A cancelled sync dies while its rows move; another process resumes the plan and sends the rest."""
    managed = mapping(warehouse, 0)
    plan = sealed(managed, resolved=Span(1, 6))
    with managed.source.session() as session:
        dying: Any = Dying(session, 3)
        with pytest.raises(Killed):
            managed.finish(
                managed.fence("dies"), plan, session=dying, status="cancelled", unknown=[Span(7, 8)]
            )
    assert 0 < len([row for row in managed.records().values() if row[1] == "y"]) < 4
    fence = managed.fence("other")
    managed.progress(fence, plan, [Span(7, 10)])
    managed.finish(fence, plan)
    records = managed.records()
    assert {key for key in records if key.startswith("n")} == {f"n{number}" for number in range(5)}
    assert all(records[f"n{number}"] == (number, "z", *DELIVERED) for number in range(5))
    assert managed.checkpoint().row_count == len(records)


def test_r26_what_was_offered_is_in_doubt_only_once_nobody_can_send_it(warehouse: Any) -> None:
    managed = mapping(warehouse, 0)
    plan = sealed(managed, resolved=Span(1, 6))
    given_up = replace(ending(plan), status="discarded", unknown=[Span(7, 8)])
    transactions = 1
    while True:
        with managed.source.session() as session:
            dying: Any = Dying(session, transactions)
            try:
                commit.discard(dying, managed.fence("other"), plan, given_up)
                break
            except Killed:
                assert not {"n1", "n2"} & set(managed.records())
        transactions += 1
    assert {key: row for key, row in managed.records().items() if key in ("n1", "n2", "n3")} == {
        "n1": (1, "z", False, True, None),
        "n2": (2, "z", False, True, None),
    }
    assert managed.checkpoint().row_count == len(managed.records())


def test_r26_few_rows_move_in_one_transaction(warehouse: Any) -> None:
    managed = mapping(warehouse, 0)
    fence = managed.fence()
    plan = managed.plan(("added", "k1", 1, "x"))
    managed.seal(fence, plan)
    managed.progress(fence, plan, [Span(1, 1)])
    with managed.source.session() as session:
        dying: Any = Dying(session, 1)
        managed.finish(fence, plan, session=dying)
    assert managed.records() == {"k1": (1, "x", *DELIVERED)}


def test_r26_all_records_are_marked_to_be_sent_again_in_parts(warehouse: Any) -> None:
    managed = mapping(warehouse, 0)
    managed.sync(*KNOWN)
    with managed.source.session() as session:
        assert upkeep.mark_resend(session, managed.fence(), None) == len(KNOWN)
    assert all(row[3] for row in managed.records().values())
