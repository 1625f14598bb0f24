"""The strings on which others hold a delivery: stop it, forbid the next request, or end it by a guard."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tailrace.delivery.summary import Counts


class Control:
    """Stops a delivery from any thread.

    `may_send` is called before every request and raises FenceLost where the lease may have passed to
    another; then nothing more is sent or stored. `check` is called with the counts so far after outcomes
    were stored; it may raise Blocked, which ends the delivery gracefully.
    """

    def __init__(
        self,
        may_send: Callable[[], None] = lambda: None,
        check: Callable[[Counts], None] = lambda _counts: None,
    ) -> None:
        self.may_send = may_send
        self.check = check
        self._lock = threading.Lock()
        self._graceful = False
        self._at_once = False
        self._wake: Callable[[], None] | None = None

    @property
    def stopping(self) -> bool:
        """Nothing more is to be offered."""
        return self._graceful

    @property
    def aborting(self) -> bool:
        """Even what is in flight is to be left."""
        return self._at_once

    def stop_offering(self) -> None:
        """Wait for the requests in flight and end; nothing new is sent, no retry is waited for."""
        self._ask(at_once=False)

    def abort(self) -> None:
        """End now; what is in flight stays offered and unresolved, for the next run to settle."""
        self._ask(at_once=True)

    def attach(self, wake: Callable[[], None]) -> None:
        """The delivery's own: what to call when somebody asks; at once if somebody has."""
        with self._lock:
            self._wake = wake
            asked = self._graceful
        if asked:
            wake()

    def detach(self) -> None:
        """The delivery's own: nobody is there to be woken any more."""
        with self._lock:
            self._wake = None

    def _ask(self, *, at_once: bool) -> None:
        with self._lock:
            self._graceful = True
            self._at_once = self._at_once or at_once
            if self._wake is not None:
                self._wake()
