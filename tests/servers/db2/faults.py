"""What the stand-in does wrong on demand, and the results that only a full or busy Db2 gives."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import Literal

from tests.servers.db2.sqlca import Sqlca

Moment = Literal["prepare", "statement", "fetch", "commit", "rollback"]
Deed = Literal["drop_before", "drop_after", "slow", "fail"]

DEADLOCK = Sqlca.of(-911, "40001", "2")
LOCK_TIMEOUT = Sqlca.of(-911, "40001", "68")
LOG_FULL = Sqlca.of(-964, "57011")
TABLE_SPACE_FULL = Sqlca.of(-289, "57011", "USERSPACE1")
NO_TABLE_SPACE = Sqlca.of(-286, "42727", "8192", "SEGMENT")
STOPPED = Sqlca.of(-1224, "55032")
NEEDS_REORG = Sqlca.of(-668, "57016", "7", "T")
CANCELLED = Sqlca.of(-952, "57014")


@dataclass
class Fault:
    """One deed at one moment, for the statements whose text `matching` finds; `skip` of them pass first."""

    deed: Deed
    at: Moment
    matching: str = ""
    skip: int = 0
    times: int | None = 1
    seconds: float = 0
    result: Sqlca | None = None
    done: int = 0
    happened: threading.Event = field(default_factory=threading.Event)
    """Set when it happened for the first time."""

    def fits(self, moment: Moment, text: str) -> bool:
        return self.at == moment and re.search(self.matching, text, re.IGNORECASE | re.DOTALL) is not None


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, moment: Moment, text: str) -> Fault | None:
        """The fault that happens now, if one does."""
        with self._lock:
            for fault in self._faults:
                if fault.times is not None and fault.done >= fault.times:
                    continue
                if not fault.fits(moment, text):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.done += 1
                fault.happened.set()
                return fault
        return None
