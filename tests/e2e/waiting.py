"""Waiting for what no event tells of."""

from __future__ import annotations

import time
from collections.abc import Callable

_PAUSE = 0.02


def until(happened: Callable[[], object], goes_on: Callable[[], object] = lambda: True) -> None:
    """Return when it has happened; fails where what it waits for does not go on.

    It looks now and then: without a pause it would take the processor from those that it waits for.
    """
    while not happened():
        assert goes_on(), "it ended before"
        time.sleep(_PAUSE)
