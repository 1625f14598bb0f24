"""What the receiver must hold: a small model of modes, doubt, refusals and keys set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from tests.property.edits import Step
from tests.property.world import World, good, occurring, rendered

_OPERATIONS = {
    "mirror": {"added", "updated", "deleted"},
    "upsert": {"added", "updated"},
    "insert": {"added"},
    "update": {"updated"},
    "delete": {"deleted"},
}
_REFUSALS_BEFORE_WAITING = 3

Held = Mapping[str, Any]


class Expectation:
    """Knows what a sync may do to each key, given what the receiver held and what had gone wrong before."""

    def __init__(self) -> None:
        self._doubt: set[str] = set()
        """Keys of which the state need not be what the receiver holds."""
        self._refusals: Counter[str] = Counter()
        self._pending = False
        """A sealed plan waits to be resumed, and is sent before the new one."""
        self._fields: set[str] = set()
        """Every version of the fields that records were rendered with."""

    def released(self) -> None:
        """Quarantine is empty."""
        self._refusals.clear()

    def went_wrong(self, step: Step, keys: Collection[str], *, interrupted: bool) -> None:
        """A sync ended in a way that leaves its records undecided."""
        self._fields.add(step.fields)
        self._doubt.update(keys)
        self._pending = interrupted

    def planned(self, step: Step, before: Held) -> int | None:
        """How many records the next sync must plan, where that can be told from what the receiver holds.

        Not while there is doubt or a refusal, nor after an edit to the fields, nor where they hide a difference.
        """
        alike = {*self._fields, step.fields} == {step.fields} and step.fields != "upper"
        if (
            not alike
            or self._pending
            or self._doubt
            or self._refusals
            or step.mode not in ("mirror", "upsert")
        ):
            return None
        rows, there = good(step.rows), occurring(step.rows)
        changed = sum(before.get(key) != rendered(step.fields, row) for key, row in rows.items())
        return changed + (len(before.keys() - there) if step.mode == "mirror" else 0)

    def went_well(self, step: Step, before: Held, after: Held, keys: Collection[str]) -> None:
        """Check a sync in which nothing went wrong but refusals by key."""
        self._fields.add(step.fields)
        operations = _OPERATIONS[step.mode] if isinstance(step.mode, str) else set(step.mode)
        rows, there = good(step.rows), occurring(step.rows)
        for key in keys:
            held, was = after.get(key), before.get(key)
            if key in step.refused:
                self._refusals[key] += 1
            waits = key in step.refused or self._refusals[key] >= _REFUSALS_BEFORE_WAITING
            if waits or (key in there and key not in rows):
                allowed = [was]
            elif key not in there:
                allowed = [None] if "deleted" in operations else [was]
            else:
                allowed = self._of_row(key, was, rendered(step.fields, rows[key]), operations)
            free = self._pending or (waits and key not in step.refused)
            if free:
                continue
            if key in self._doubt and not _decides(operations, key in there):
                continue
            assert any(_agree(held, each) for each in allowed), (key, step, was, held, allowed)
            if not waits and _decides(operations, key in there) and (key in rows or key not in there):
                self._doubt.discard(key)
        self._pending = False

    def _of_row(
        self, key: str, was: dict[str, Any] | None, now: dict[str, Any], operations: Collection[str]
    ) -> list[dict[str, Any] | None]:
        """What a key with one good row may come to."""
        if "added" in operations and "updated" in operations:
            return [now]
        if "added" in operations:
            return [now] if was is None else [was]
        if "updated" in operations:
            return [None, now] if was is None else [now]
        return [was]


def _decides(operations: Collection[str], in_model: bool) -> bool:
    """Whether a mode sends whatever differs of such a key, so that doubt ends."""
    return {"added", "updated"} <= set(operations) if in_model else "deleted" in operations


def _agree(held: dict[str, Any] | None, expected: dict[str, Any] | None) -> bool:
    """Equal, but a field that was removed may remain, and one that was added and is null may lack (R16)."""
    if held is None or expected is None:
        return held is expected
    return all(held.get(name) == value for name, value in expected.items())


def check_end(world: World) -> None:
    """With all faults gone, a mirror holds exactly the model, and then nothing is left to do."""
    world.release()
    world.mode = "mirror"
    before = world.held
    world.sync()
    rows, there = good(world.rows), occurring(world.rows)
    held = world.held
    for key in {*rows, *held}:
        if key in rows:
            assert _agree(held.get(key), rendered(world.fields, rows[key])), (key, held.get(key))
        else:
            assert key in there, f"{key} is gone from the model, and was not deleted"
            assert held[key] == before[key]
    (document,) = world.sync()
    assert document.counts.planned == 0
    assert document.counts.unchanged == len(rows)
    assert "422" not in world.receiver.stats()["statuses"], "an idempotency key came with another body"
