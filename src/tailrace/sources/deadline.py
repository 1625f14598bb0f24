"""Stops a statement that runs too long, for warehouses and drivers without a timeout of their own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from tailrace.errors import SourceError


def timeout_error(seconds: float) -> SourceError:
    """The error of a statement that was stopped by its deadline."""
    return SourceError(
        f"the statement ran longer than the statement timeout of {seconds:g} s",
        hint="Make the model faster, or raise the source's `statement_timeout`.",
        code="source_timeout",
    )


@contextlib.contextmanager
def deadline(seconds: float | None, stop: Callable[[], None]) -> Iterator[threading.Event]:
    """Call `stop` if the block takes longer than `seconds`; the event tells whether that happened."""
    passed = threading.Event()
    if not seconds:
        yield passed
        return

    def end() -> None:
        passed.set()
        stop()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield passed
    finally:
        timer.cancel()
