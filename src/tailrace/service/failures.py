"""Errors of single mappings, kept until all others have had their turn."""

from __future__ import annotations

from collections.abc import Sequence

from tailrace.errors import SeveralErrors, TailraceError

_WORST_FIRST = {2: 0, 1: 1, 4: 2, 3: 3, 5: 4}
"""Exit codes by rank, as the command line ranks them."""


class Failures:
    """What came of the mappings of one command that could not have their turn."""

    def __init__(self, names: Sequence[str]) -> None:
        self._several = len(names) > 1
        self._found: list[TailraceError] = []

    def add(self, name: str, error: TailraceError) -> None:
        """Keep the error of a mapping, which it names where there are others."""
        if self._several:
            error.message = f"{name}: {error.message}"
        self._found.append(error)

    def end(self) -> None:
        """Raise the error, or all of them, the worst first; nothing happens where there was none."""
        found = sorted(self._found, key=lambda error: _WORST_FIRST.get(error.exit_code, 0))
        if found:
            raise found[0] if len(found) == 1 else SeveralErrors(found)
