"""BigQuery's session in which a process has its transactions.

An open transaction shuts out whoever would change the same tables, until its session ends: a day after its process
died. So all transactions of a process run in one session, whose id stands in the checkpoint before the first of
them: the next owner of a mapping ends it (R3).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tailrace.errors import SourceUnavailable

PATIENCE = 600.0
"""How long a transaction waits for that of a neighbour."""
_FRESH_SECONDS = 6 * 3600.0
"""A session ends a day after it was last used, and after a week (.../docs/sessions-intro): one is replaced long before."""
_POOLS: dict[str, Pool] = {}
_GUARD = threading.Lock()


def pool_of(account: str) -> Pool:
    """The pool of this process for an account in a project and location."""
    with _GUARD:
        return _POOLS.setdefault(account, Pool())


class Pool:
    """One session, used by one transaction at a time."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._guard = threading.Lock()
        self._free = threading.Condition(self._guard)
        self._session: str | None = None
        self._made = 0.0
        self._taken = False

    @property
    def current(self) -> str | None:
        """The session, if there is one."""
        return self._session

    def recorded(self, make: Callable[[], str]) -> str:
        """The session that transactions will run in, for others to know."""
        with self._guard:
            if self._session is None or (not self._taken and time.monotonic() - self._made > _FRESH_SECONDS):
                self._session, self._made = make(), time.monotonic()
            return self._session

    def take(self, make: Callable[[], str]) -> str:
        """The session, for one transaction. Raises SourceUnavailable if that of a neighbour takes very long.

        No other session will do: what stands in no checkpoint, nobody would end.
        """
        with self._free:
            if not self._free.wait_for(lambda: not self._taken, self._patience):
                raise SourceUnavailable(
                    f"another sync of this process has been changing its state for {self._patience:,.0f} s",
                    hint="Run fewer syncs of one source at the same time; this one goes on where it stopped.",
                    code="source_busy",
                )
            if self._session is None:
                self._session, self._made = make(), time.monotonic()
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
