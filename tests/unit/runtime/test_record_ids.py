"""The id of each record (R24): the same however often it is rendered, another for every other change."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit.mapping.rendering import column

from tailrace.destinations.define import Call
from tailrace.destinations.webhook import webhook
from tailrace.mapping.compile import compile_mapping
from tailrace.runtime.rendering import PieceRenderer
from tailrace.sources.base import Limits

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=30)


class Change(NamedTuple):
    mapping: str
    sync: str
    operation: str
    key: str


CHANGES = st.builds(Change, NAMES, NAMES, st.sampled_from(["added", "updated", "deleted"]), NAMES)


def rendered_id(change: Change, value: str = "a", prior: str | None = None) -> str:
    compiled = compile_mapping({"v": "$v"}, [column("v")])
    call = Call(
        webhook.configure({"url": "http://127.0.0.1:9/x", "batch": 10}), "p", change.mapping, change.sync
    )
    batch = pa.RecordBatch.from_pydict(
        {
            "_seq": pa.array([1], pa.int64()),
            "_key": [change.key],
            "_operation": [change.operation],
            "_prior_id": pa.array([prior], pa.string()),
            "v": [value],
        }
    )
    with PieceRenderer(compiled, webhook.actions[0], call, Limits(), threads=1) as renderer:
        return renderer.render(0, batch, last=True).record_ids[0].as_py()


@given(CHANGES, CHANGES)
@example(Change("ab", "c", "added", "1"), Change("a", "bc", "updated", "2"))
@settings(max_examples=5, deadline=None)
def test_r24_an_id_says_which_change_it_is(one: Change, other: Change) -> None:
    found = rendered_id(one)
    assert found == rendered_id(one, value="another")
    others = [one._replace(**{name: getattr(other, name)}) for name in Change._fields]
    others.append(one._replace(mapping=other.mapping, sync=other.sync))
    assert [rendered_id(each) == found for each in others] == [each == one for each in others]


def test_r21_a_record_that_may_have_arrived_keeps_its_id() -> None:
    assert rendered_id(Change("m", "s", "added", "1"), prior="as before") == "as before"
