"""However a warehouse needs its state written, the same syncs leave the same state."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.integration.state.managed import Managed, ending, refusal
from tests.integration.state.writing import written

from tailrace.outcomes import Outcome, Refusal, Span
from tailrace.sources.duckdb.source import DuckDBSource
from tailrace.state import commit, upkeep
from tailrace.state.names import StateNames

WAYS = ("", "parts", "inserts")
KEYS = [f"k{number}" for number in range(6)]
COLUMNS = "a, b, delivered, uncertain, baseline, record_level_id, synced_n"
OUTCOMES = ("delivered", "delivered", "delivered", "rejected", "unknown", "aborted", "open", "offered")

keys = st.sampled_from(KEYS)
values = st.tuples(st.one_of(st.none(), st.integers(0, 2)), st.sampled_from(["x", "y", None]))
change = st.tuples(keys, values, st.booleans(), st.sampled_from(OUTCOMES))
syncs = st.lists(
    st.one_of(
        st.lists(change, max_size=6, unique_by=lambda each: each[0]),
        st.lists(keys, min_size=1, max_size=3),
        st.none(),
    ),
    min_size=1,
    max_size=5,
)


def run(managed: Managed, steps: Any) -> list[Any]:
    """Do the steps; gives the state after each of them."""
    seen: list[Any] = []
    for step in steps:
        if step is None or (step and isinstance(step[0], str)):
            with managed.source.session() as session:
                upkeep.mark_resend(session, managed.fence(), step)
        else:
            sync(managed, step)
        seen.append((managed.records(columns=COLUMNS), managed.checkpoint().row_count))
        assert seen[-1][1] == len(seen[-1][0])
    return seen


def sync(managed: Managed, changes: Any) -> None:
    """One plan as the state allows it, with an outcome for each of its records."""
    before = managed.records()
    planned: list[tuple[Any, ...]] = []
    outcomes: list[str] = []
    for key, (a, b), gone, outcome in changes:
        row = before.get(key)
        if row is None:
            operation = "added" if not gone else "baseline_unsent"
        elif row[4] is not None and not row[3]:
            operation = "added" if not gone else "drop"
        else:
            operation = "deleted" if gone else "updated" if row[2] else "added"
        planned.append((operation, key, *(row[:2] if row and operation == "deleted" else (a, b))))
        if operation in ("added", "updated", "deleted"):
            outcomes.append(outcome)
    fence = managed.fence()
    plan = managed.plan(*planned)
    managed.seal(fence, plan)
    resolved = [Span(seq, seq) for seq, each in enumerate(outcomes, 1) if each not in ("open", "offered")]
    offered = [Span(seq, seq) for seq, each in enumerate(outcomes, 1) if each == "offered"]
    refusals: list[Refusal] = [
        refusal(seq, Outcome(each), f"id-{plan.n}-{seq}")
        for seq, each in enumerate(outcomes, 1)
        if each in ("rejected", "unknown", "aborted")
    ]
    managed.progress(fence, plan, resolved, refusals)
    with managed.source.session() as session:
        commit.finish(session, fence, plan, replace(ending(plan), status="partial", unknown=offered))


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(syncs)
def test_r26_r28_every_way_of_writing_leaves_the_same_state(steps: Any) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        source = DuckDBSource("warehouse", {"path": str(folder / "shop.duckdb")}, folder=folder)
        seen = []
        for number, way in enumerate(WAYS):
            managed = Managed(written(source, way), StateNames(source.schema, f"map_{number:08}"))
            managed.set_up()
            seen.append(run(managed, steps))
    assert seen[1] == seen[0], "in parts"
    assert seen[2] == seen[0], "by inserts"
