"""Faults that a test asks for: which call they meet, how often, and what happens instead or after."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Fault:
    """One fault, as `tests.servers.bigquery.faults.Fault` describes it."""

    call: str
    reason: str | None = None
    message: str | None = None
    code: int | None = None
    drop: bool = False
    hold: bool = False
    delay: float = 0.0
    when: str = "before"
    statement: str | None = None
    label: str | None = None
    account: str | None = None
    skip: int = 0
    count: int | None = 1
    rows: int = 0
    met: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    def fits(self, call: str, statement: str, labels: dict[str, str], account: str) -> bool:
        if not re.fullmatch(self.call, call) or (self.account and self.account != account):
            return False
        if self.statement and not re.search(self.statement, statement, re.IGNORECASE | re.DOTALL):
            return False
        if self.label:
            name, _, value = self.label.partition("=")
            return name in labels and value in ("", labels[name])
        return True


class Faults:
    """The faults in force, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._faults: dict[str, Fault] = {}
        self._next = 0

    def add(self, description: dict[str, Any]) -> str:
        with self._guard:
            self._next += 1
            self._faults[str(self._next)] = Fault(**description)
            return str(self._next)

    def clear(self) -> None:
        with self._guard:
            for fault in self._faults.values():
                fault.released.set()
            self._faults.clear()

    def release(self, number: str) -> None:
        """Let go on what a fault holds, and hold nothing more."""
        with self._guard:
            if fault := self._faults.pop(number, None):
                fault.released.set()

    def met(self, number: str) -> int:
        fault = self._faults.get(number)
        return fault.met if fault else 0

    def meet(
        self,
        call: str,
        when: str,
        statement: str = "",
        labels: dict[str, str] | None = None,
        account: str = "",
    ) -> Fault | None:
        """The first fault that this call meets at this moment, counted."""
        if not self._faults:
            return None
        with self._guard:
            for fault in self._faults.values():
                if fault.when != when or not fault.fits(call, statement, labels or {}, account):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.count is not None and fault.met >= fault.count:
                    continue
                fault.met += 1
                return fault
        return None
