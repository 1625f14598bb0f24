"""Progress reaches the warehouse at every interval, and nothing is offered above the ceiling it knows."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import pytest

from tailrace.errors import FenceLost, SourceError, TailraceError
from tailrace.outcomes import Refusal, Span
from tailrace.runtime import committing
from tailrace.runtime.committing import Committer, first_ceiling
from tailrace.state.progress import Unit

NEVER = 3_600.0
UNITS = [Unit(number, Span(number * 10, number * 10 + 9), 10) for number in range(40)]


class Memory:
    """A ledger with what was decided, and a warehouse with what it was told."""

    def __init__(self) -> None:
        self.decided: list[tuple[int, Span]] = []
        self.told: list[tuple[int, Span]] = []
        self.ceilings: list[int | None] = []
        self.failures: list[Exception] = []
        self.news = threading.Condition()

    def take(self) -> tuple[list[tuple[int, Span]], list[Refusal]]:
        taken, self.decided = self.decided, []
        return taken, []

    def put_back(self, spans: Sequence[tuple[int, Span]], _refusals: Sequence[Refusal]) -> None:
        self.decided = [*spans, *self.decided]

    @contextmanager
    def session(self) -> Iterator[None]:
        yield

    def commit(
        self,
        _session: None,
        _fence: object,
        _table: str,
        spans: Sequence[tuple[int, Span]],
        _refusals: Sequence[Refusal],
        ceiling: int | None,
    ) -> None:
        with self.news:
            self.news.notify_all()
            if self.failures:
                raise self.failures.pop(0)
            self.told += spans
            self.ceilings.append(ceiling)

    def wait_for_told(self, count: int) -> None:
        with self.news:
            assert self.news.wait_for(lambda: len(self.told) >= count, 30)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    made = Memory()
    monkeypatch.setattr(committing, "commit_progress", made.commit)
    return made


def committer(
    memory: Memory, ceiling: int | None = None, *, interval: float = NEVER, failed: Any = lambda error: None
) -> Committer:
    parts = cast("Any", memory)
    return Committer(
        parts, cast("Any", None), "plan", UNITS, parts, ceiling, interval=interval, failed=failed
    )


def test_the_first_ceiling_covers_a_few_units_or_all_there_are() -> None:
    assert first_ceiling(UNITS) == 39
    assert first_ceiling(UNITS[:2]) == 19
    assert first_ceiling([]) is None


def test_a_unit_below_the_ceiling_is_opened_without_a_word_to_the_warehouse(memory: Memory) -> None:
    found = committer(memory, first_ceiling(UNITS))
    for unit in UNITS[:4]:
        found.open(unit)
    assert memory.ceilings == []


def test_a_unit_above_the_ceiling_waits_for_one_that_covers_it_and_ever_more_beyond(memory: Memory) -> None:
    found = committer(memory, first_ceiling(UNITS))
    memory.decided.append((0, Span(0, 9)))
    opened = []
    for unit in UNITS:
        found.open(unit)
        opened.append(max(each for each in [39, *memory.ceilings] if each is not None) >= unit.span.last)
    assert all(opened)
    assert memory.ceilings == [119, 279, 399]
    assert memory.told == [(0, Span(0, 9))], "what was decided goes with it"


def test_after_a_lost_ceiling_the_first_unit_raises_one(memory: Memory) -> None:
    committer(memory, None).open(UNITS[0])
    assert memory.ceilings[0] is not None
    assert memory.ceilings[0] >= UNITS[0].span.last


def test_nothing_to_tell_is_no_transaction(memory: Memory) -> None:
    committer(memory).commit()
    assert memory.ceilings == []


def test_a_commit_that_fails_forgets_nothing_and_raises_no_ceiling(memory: Memory) -> None:
    found = committer(memory, 9)
    memory.decided.append((0, Span(0, 9)))
    memory.failures.append(SourceError("gone"))
    with pytest.raises(SourceError):
        found.open(UNITS[3])
    assert memory.decided == [(0, Span(0, 9))]
    found.open(UNITS[3])
    assert memory.told == [(0, Span(0, 9))]


def test_every_interval_tells_what_was_decided_also_after_one_that_failed(memory: Memory) -> None:
    memory.decided.append((0, Span(0, 9)))
    memory.failures.append(SourceError("gone"))
    found = committer(memory, interval=0.001)
    found.start()
    memory.wait_for_told(1)
    found.stop()
    assert memory.told == [(0, Span(0, 9))]


def test_a_lost_fence_stops_the_sync_and_the_commits(memory: Memory) -> None:
    lost = threading.Event()
    errors: list[TailraceError] = []

    def failed(error: TailraceError) -> None:
        errors.append(error)
        lost.set()

    memory.decided.append((0, Span(0, 9)))
    memory.failures += [FenceLost("taken over")] * 2
    found = committer(memory, interval=0.001, failed=failed)
    found.start()
    assert lost.wait(30)
    found.stop()
    assert [error.code for error in errors] == ["fence_lost"]
    assert len(memory.failures) == 1, "it does not try again"
