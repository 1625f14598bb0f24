"""Random steps of a world: edits to data, model, mapping and mode, and what goes wrong while they are synced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st
from tests.property.world import FIELDS, Row, Stop

from tailrace.testing.faults import Fault

KEYS = ("a", "A", "b", "c", "d", "e", "f", "g")
MODES: tuple[str | list[str], ...] = (
    "mirror", "mirror", "upsert", "insert", "update", "delete", ["added", "deleted"],
)  # fmt: skip

Trouble = Literal["none", "rejected", "doubt", "crash", "cancel"]

_AFTER = Fault(kind="status", status=503, after=True)
# an answer that says "not applied" is believed: no fault here accepts records and then answers 401
DOUBTS: tuple[tuple[Fault, ...], ...] = (
    (Fault(kind="lost"),),
    (Fault(kind="lost", probability=0.5),),
    (_AFTER,),
    (Fault(kind="status", status=503, after=True, skip=1, times=1),),
    (Fault(kind="status", status=503, times=1),),
    (Fault(kind="truncate", times=1),),
    (Fault(kind="reset", probability=0.5),),
    (Fault(kind="status", status=401, skip=1),),
    (Fault(kind="results", chance=0.4, result={"status": "retry"}),),
)


@dataclass(frozen=True)
class Step:
    """What is edited before a sync, and what happens to it."""

    rows: tuple[Row, ...]
    mode: str | list[str]
    fields: str
    batch: int
    trouble: Trouble
    refused: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    stop: Stop | None = None
    lose_store: bool = False
    """The control store is gone afterwards."""
    release: bool = False
    """Quarantined records are let go before."""


_names = st.sampled_from(["x", "X", "y"])
_plans = st.sampled_from([None, None, "pro"])
_good_rows = st.dictionaries(st.sampled_from(KEYS), st.tuples(_names, _plans), max_size=len(KEYS)).map(
    lambda found: [(key, name, plan) for key, (name, plan) in found.items()]
)
_bad_rows = st.lists(st.tuples(st.sampled_from([None, "", " ", *KEYS[:3]]), _names, _plans), max_size=2)


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """One step; half of all go well."""
    rows = draw(_good_rows) + (draw(_bad_rows) if draw(st.booleans()) else [])
    trouble: Trouble = draw(
        st.sampled_from(["none", "none", "none", "rejected", "doubt", "doubt", "crash", "cancel"])
    )
    refused: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    stop: Stop | None = None
    if trouble == "rejected":
        refused = tuple(draw(st.sets(st.sampled_from(KEYS), min_size=1, max_size=3)))
        faults = (Fault(kind="results", keys=tuple(sorted(refused))),)
    elif trouble == "doubt":
        faults = draw(st.sampled_from(DOUBTS))
    elif trouble != "none":
        stops: tuple[Stop, ...] = (
            ("crash", "crash at once") if trouble == "crash" else ("cancel", "cancel at once")
        )
        stop = draw(st.sampled_from(stops))
        faults = (
            (Fault(kind="slow", seconds=0.2, skip=draw(st.integers(0, 1))),) if trouble == "crash" else ()
        )
    return Step(
        rows=tuple(rows),
        mode=draw(st.sampled_from(MODES)),
        fields=draw(st.sampled_from(["plain", "plain", *FIELDS])),
        batch=draw(st.sampled_from([3, 3, 2, 1])),
        trouble=trouble,
        refused=refused,
        faults=faults,
        stop=stop,
        lose_store=trouble != "none" and draw(st.booleans()),
        release=draw(st.booleans()),
    )
