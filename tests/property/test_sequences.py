"""Whatever is edited, and whatever goes wrong: the receiver holds what a small model says it must hold."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.property.edits import KEYS, Step, steps
from tests.property.expectation import Expectation, check_end
from tests.property.world import DuckDBSource, PostgresSource, World
from tests.servers.postgres import PostgresServer

from tailrace.testing.receiver import Receiver

_SETTINGS = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def run(world: World, sequence: list[Step]) -> None:
    """Take the steps one after the other, checking each that goes well, and heal everything at the end."""
    expectation = Expectation()
    for number, step in enumerate(sequence):
        if step.release and number:
            world.release()
            expectation.released()
        world.put(step.rows)
        world.mode, world.fields, world.batch = step.mode, step.fields, step.batch
        before = world.held
        planned = expectation.planned(step, before)
        documents = world.sync(*step.faults, stop=step.stop)
        assert planned in (None, documents[-1].counts.planned), (step, before)
        if step.trouble in ("none", "rejected"):
            expectation.went_well(step, before, world.held, KEYS)
        else:
            interrupted = any(document.status == "interrupted" for document in documents)
            expectation.went_wrong(step, KEYS, interrupted=interrupted)
        if step.lose_store:
            world.forget_store()
    check_end(world)


@settings(_SETTINGS, max_examples=8)
@given(st.lists(steps(), min_size=1, max_size=5))
def test_the_receiver_holds_what_it_must_on_duckdb(sequence: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder, Receiver() as receiver:
        path = Path(folder)
        run(World(path, DuckDBSource(path), receiver), sequence)


@settings(_SETTINGS, max_examples=4)
@given(sequence=st.lists(steps(), min_size=2, max_size=4))
def test_the_receiver_holds_what_it_must_on_postgres(postgres: PostgresServer, sequence: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder, Receiver() as receiver, postgres.database() as database:
        run(World(Path(folder), PostgresSource(database), receiver), sequence)
