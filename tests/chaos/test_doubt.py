"""Records that an earlier run may have sent stay in doubt until something is proven, whatever ends the next run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.property.world import DuckDBSource, PostgresSource, World

from tailrace.testing.faults import Fault
from tailrace.testing.receiver import Receiver

OLD = [(f"k{number}", "old", None) for number in range(30)]
NEW = [(key, "new", None) for key, _, _ in OLD]
SLOW = Fault(kind="slow", seconds=0.5)
"""Accepts at once and answers late: what a crash cuts off has been applied."""


@pytest.fixture(params=["duckdb", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    source = (
        DuckDBSource(tmp_path)
        if request.param == "duckdb"
        else PostgresSource(request.getfixturevalue("postgres_database"))
    )
    with Receiver() as receiver:
        yield World(tmp_path, source, receiver)


def _crash(world: World) -> None:
    world.put(OLD)
    assert [each.status for each in world.sync()] == ["success"]
    world.put(NEW)
    # the first answer is given, the next two batches are applied and not answered
    (document,) = world.sync(Fault(kind="slow", seconds=0.5, skip=1), stop="crash")
    assert document.status == "interrupted"
    assert document.counts.delivered < sum(row["name"] == "new" for row in world.held.values())


def _revert(world: World) -> None:
    world.put(OLD)
    (document,) = world.sync()
    assert document.status == "success"
    assert {row["name"] for row in world.held.values()} == {"old"}


@pytest.mark.parametrize("lost", [False, True], ids=["ledger kept", "ledger lost"])
def test_a_resumed_sync_that_is_cancelled_before_it_settles_leaves_doubt(world: World, lost: bool) -> None:
    _crash(world)
    if lost:
        world.forget_store()
    (document,) = world.sync(stop="cancel at once")
    assert document.status == "cancelled"
    assert document.counts.unknown > 0
    _revert(world)


@pytest.mark.parametrize("lost", [False, True], ids=["ledger kept", "ledger lost"])
def test_a_resumed_sync_whose_destination_refuses_to_listen_leaves_doubt(world: World, lost: bool) -> None:
    _crash(world)
    if lost:
        world.forget_store()
    (document,) = world.sync(Fault(kind="status", status=401))
    assert document.status == "failed"
    assert document.counts.unknown > 0
    _revert(world)


def test_doubt_outlives_a_second_crash_after_the_ledger_was_lost(world: World) -> None:
    _crash(world)
    world.forget_store()
    (document,) = world.sync(stop="crash at once")
    assert document.status == "interrupted"
    (document,) = world.sync(stop="cancel at once")
    assert document.status == "cancelled"
    _revert(world)
