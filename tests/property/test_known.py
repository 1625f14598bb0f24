"""Sequences that random ones once found wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.property.world import DuckDBSource, PostgresSource, World

from tailrace.testing.receiver import Receiver


@pytest.fixture(params=["duckdb", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    source = (
        DuckDBSource(tmp_path)
        if request.param == "duckdb"
        else PostgresSource(request.getfixturevalue("postgres_database"))
    )
    with Receiver() as receiver:
        yield World(tmp_path, source, receiver)


def test_a_plan_after_a_field_was_removed_says_that_nothing_goes(world: World) -> None:
    world.fields = "plan"
    world.put([("a", "x", "pro"), ("b", "X", None)])
    world.sync()
    world.fields = "plain"
    assert world.plan().counts.planned == 0
    (document,) = world.sync()
    assert document.counts.planned == 0


def test_fields_edited_twice_in_a_mode_without_updates_are_compared_with_what_was_delivered(
    world: World,
) -> None:
    world.fields = "plan"
    world.put([("a", "x", "pro")])
    world.sync()
    world.mode, world.fields = "insert", "plain"
    world.put([*world.rows, ("b", "y", None)])
    world.sync()
    world.fields = "upper"
    world.sync()
    world.mode = "mirror"
    assert world.plan().counts.updated >= 1
    world.sync()
    assert {key: record["name"] for key, record in world.held.items()} == {"a": "X", "b": "Y"}


def test_fields_edited_in_a_mode_without_updates_are_rendered_anew_once_it_has_them(world: World) -> None:
    world.put([("a", "x", None), ("b", "X", None)])
    world.sync()
    world.mode, world.fields = "insert", "upper"
    world.put([*world.rows, ("c", "y", None)])
    (document,) = world.sync()
    assert document.counts.delivered == 1
    (document,) = world.sync()
    assert document.counts.planned == 0
    assert world.held["a"]["name"] == "x"
    world.mode = "mirror"
    (document,) = world.sync()
    assert {key: record["name"] for key, record in world.held.items()} == {"a": "X", "b": "X", "c": "Y"}
    (document,) = world.sync()
    assert document.counts.planned == 0
