"""BigQuery's session in which a source has its transactions.

An open transaction shuts out whoever would change the same tables, until its session ends: a day after its process
died. So all transactions of a sync run in one session, whose id stands in the checkpoint before each of them: the
next owner of the mapping ends it (R3). Each sync opens its source anew, so nobody else's transactions end with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from tailrace.errors import SourceUnavailable

PATIENCE = 600.0
"""How long a transaction waits for that of a neighbour."""


class Pool:
    """One session, used by one transaction at a time."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._guard = threading.Lock()
        self._free = threading.Condition(self._guard)
        self._session: str | None = None
        self._taken = False

    @property
    def current(self) -> str | None:
        """The session, if there is one."""
        return self._session

    def recorded(self, make: Callable[[], str]) -> str:
        """The session that transactions will run in, for others to know."""
        with self._guard:
            if self._session is None:
                self._session = make()
            return self._session

    def take(self, make: Callable[[], str]) -> str:
        """The session, for one transaction. Raises SourceUnavailable if that of a neighbour takes very long.

        No other session will do: what stands in no checkpoint, nobody would end.
        """
        with self._free:
            if not self._free.wait_for(lambda: not self._taken, self._patience):
                raise SourceUnavailable(
                    f"another thread of this sync has been changing its state for {self._patience:,.0f} s",
                    hint="Run it again: a sync goes on where it stopped.",
                    code="source_busy",
                )
            if self._session is None:
                self._session = make()
            self._taken = True
            return self._session

    def give_back(self, session: str) -> None:
        """A transaction has ended."""
        with self._free:
            if session == self._session:
                self._taken = False
                self._free.notify()

    def forget(self, session: str) -> None:
        """The session is of no use any more."""
        with self._free:
            if session == self._session:
                self._session = None
                self._taken = False
                self._free.notify()
