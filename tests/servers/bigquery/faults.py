"""Faults that the stand-in produces when it is asked to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True)
class Fault:
    """What happens to which call.

    `call` is a regular expression over the names of calls: `token`, `jobs.insert`, `jobs.query`, `jobs.get`,
    `jobs.cancel`, `jobs.getQueryResults`, `jobs.upload`, `datasets.*`, `tables.*`, `tabledata.list`,
    `storage.CreateReadSession`, `storage.ReadRows`; and `job`, which is the execution of a job: its fault ends up in
    the job's `errorResult`, not in an HTTP answer.

    `statement` (a regular expression over the SQL) and `label` (`name` or `name=value`) narrow it to jobs, `account`
    to one service account. It happens `count` times (None: always) after letting `skip` fitting calls pass, `before`
    or `after` the effect.

    What happens, in this order: `hold` waits until the fault is released or cleared, `delay` waits so many seconds,
    `drop` cuts the connection without an answer, `reason` answers with that error (`quotaExceeded`,
    `rateLimitExceeded`, `backendError`, `jobBackendError`, …; `code` overrides its HTTP code). With `rows`, a fault of
    `storage.ReadRows` strikes after so many rows were sent.
    """

    call: str
    reason: str | None = None
    message: str | None = None
    code: int | None = None
    drop: bool = False
    hold: bool = False
    delay: float = 0.0
    when: Literal["before", "after"] = "before"
    statement: str | None = None
    label: str | None = None
    account: str | None = None
    skip: int = 0
    count: int | None = 1
    rows: int = 0

    def described(self) -> dict[str, object]:
        """For the stand-in's process."""
        return asdict(self)
