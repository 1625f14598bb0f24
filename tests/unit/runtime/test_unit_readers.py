"""Units are read several at a time into one bounded stream; each stays in order, and no thread is left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tailrace.runtime.reading import UnitReaders


def pieces(unit: int) -> Iterator[tuple[int, int]]:
    yield from ((unit, number) for number in range(5))


def reader_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("tailrace-reader")]


@pytest.mark.parametrize("readers", [1, 2, 5])
def test_every_piece_comes_once_and_each_unit_in_order(readers: int) -> None:
    found = list(UnitReaders(range(20), pieces, readers=readers, ahead=3))
    assert sorted(found) == [(unit, number) for unit in range(20) for number in range(5)]
    for unit in range(20):
        assert [number for each, number in found if each == unit] == [0, 1, 2, 3, 4]
    assert not reader_threads()


def test_no_units_are_an_empty_stream() -> None:
    assert list(UnitReaders([], pieces, readers=2, ahead=1)) == []


def test_readers_run_at_a_time() -> None:
    together = threading.Barrier(2, timeout=30)

    def read(unit: int) -> Iterator[int]:
        together.wait()
        yield unit

    assert sorted(UnitReaders([1, 2], read, readers=2, ahead=1)) == [1, 2]


def test_the_first_error_reaches_whoever_reads_and_ends_the_others() -> None:
    def read(unit: int) -> Iterator[int]:
        yield unit
        if unit == 3:
            raise ValueError("broken")

    found: list[int] = []
    with pytest.raises(ValueError, match="broken"):
        found.extend(UnitReaders(range(1_000), read, readers=2, ahead=1))
    assert not reader_threads()


def test_nobody_reads_far_ahead_of_what_is_taken() -> None:
    opened: list[int] = []

    def read(unit: int) -> Iterator[int]:
        opened.append(unit)
        yield unit

    readers = UnitReaders(range(1_000), read, readers=2, ahead=2)
    stream = iter(readers)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert len(opened) <= 1 + 2 + 2 * 2
    assert not reader_threads()


def test_whoever_stops_early_ends_readers_that_wait_for_room() -> None:
    started = threading.Event()

    def read(unit: int) -> Iterator[int]:
        started.set()
        yield from range(1_000)

    readers = UnitReaders(range(4), read, readers=2, ahead=1)
    for _ in readers:
        break
    started.wait(30)
    readers.close()
    readers.close()
    assert not reader_threads()
