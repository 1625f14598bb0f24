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
