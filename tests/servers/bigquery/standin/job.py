"""One job, as the API shows it.

https://cloud.google.com/bigquery/docs/reference/rest/v2/Job
"""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tests.servers.bigquery.standin.accounts import Account
from tests.servers.bigquery.standin.errors import Refusal
from tests.servers.bigquery.standin.execution import NOTHING, Result, Run

CANCELLED = "Job execution was cancelled: User requested cancellation"
_INSIST = 0.05


@dataclass
class Job:
    """One job; `finished` is set when it is DONE."""

    id: str
    project: str
    location: str
    account: Account
    configuration: dict[str, Any]
    loop: asyncio.AbstractEventLoop
    state: str = "PENDING"
    created: float = field(default_factory=time.time)
    started: float | None = None
    ended: float | None = None
    error: Refusal | None = None
    result: Result = field(default_factory=lambda: Result("", NOTHING, []))
    run: Run | None = None
    session: str | None = None
    transaction: str | None = None
    children: int = 0
    loaded: int = 0
    why: Refusal | None = None
    """Why it was stopped from outside."""
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    stop: threading.Event = field(default_factory=threading.Event)
    guard: threading.Lock = field(default_factory=threading.Lock)
    released: bool = False

    @property
    def text(self) -> str:
        return str(self.configuration.get("query", {}).get("query", ""))

    @property
    def labels(self) -> dict[str, str]:
        return self.configuration.get("labels") or {}

    @property
    def dry(self) -> bool:
        return bool(self.configuration.get("dryRun"))

    def cancel(self, why: Refusal | None = None) -> None:
        """Ask it to stop; what it has done in the engine is undone."""
        self.why = self.why or why or Refusal("stopped", CANCELLED)
        self.stop.set()
        self._interrupt()

    def _interrupt(self) -> None:
        """Interrupt the engine, again and again: what comes before a statement begins is forgotten."""
        with self.guard:
            if self.released:
                return
            if self.run is not None:
                self.run.connection.interrupt()
        self.loop.call_later(_INSIST, self._interrupt)

    def release(self) -> None:
        """Let the connection be somebody else's."""
        with self.guard:
            self.released = True

    def resource(self) -> dict[str, Any]:
        """The job as the API shows it."""
        status: dict[str, Any] = {"state": self.state}
        if self.error is not None and self.state == "DONE":
            status |= {"errorResult": self.error.entry(), "errors": [self.error.entry()]}
        reference = {"projectId": self.project, "jobId": self.id, "location": self.location}
        return {
            "kind": "bigquery#job",
            "id": f"{self.project}:{self.location}.{self.id}",
            "etag": f"{self.state}",
            "selfLink": "",
            "user_email": self.account.email,
            "jobReference": reference,
            "configuration": self._configuration(),
            "status": status,
            "statistics": self._statistics(),
        }

    def _configuration(self) -> dict[str, Any]:
        configuration = dict(self.configuration)
        configuration["jobType"] = "LOAD" if "load" in configuration else "QUERY"
        if "query" in configuration and not self.dry:
            target = self.result.target
            anonymous = {"projectId": self.project, "datasetId": "_anonymous", "tableId": f"anon{self.id}"}
            named = target and {
                "projectId": target.project,
                "datasetId": target.dataset or "_SESSION",
                "tableId": target.table,
            }
            configuration["query"] = {"destinationTable": named or anonymous, **configuration["query"]}
        return configuration

    def _statistics(self) -> dict[str, Any]:
        statistics: dict[str, Any] = {"creationTime": _milliseconds(self.created)}
        if self.started is not None:
            statistics["startTime"] = _milliseconds(self.started)
        if self.ended is not None:
            statistics["endTime"] = _milliseconds(self.ended)
        if self.session is not None:
            statistics["sessionInfo"] = {"sessionId": self.session}
        if self.transaction is not None:
            statistics["transactionInfo"] = {"transactionId": self.transaction}
        if self.children:
            statistics["numChildJobs"] = str(self.children)
        if "load" in self.configuration:
            statistics["load"] = {"outputRows": str(self.loaded), "badRecords": "0"}
            return statistics
        processed, billed = self.bytes
        query: dict[str, Any] = {
            "totalBytesProcessed": str(processed),
            "totalBytesBilled": str(billed),
            "cacheHit": False,
            "statementType": self.result.kind,
            **self.result.statistics,
        }
        if self.run is not None and self.run.referenced:
            query["referencedTables"] = [
                {"projectId": each.project, "datasetId": each.dataset, "tableId": each.table}
                for each in self.run.referenced
            ]
        if self.dry:
            query |= {"schema": {"fields": self.result.schema}, "totalBytesProcessedAccuracy": "PRECISE"}
        if self.result.affected is not None:
            query["numDmlAffectedRows"] = str(self.result.affected)
        statistics["query"] = query
        statistics["totalBytesProcessed"] = str(processed)
        return statistics

    @property
    def bytes(self) -> tuple[int, int]:
        """Processed and billed; a job that failed, and a dry run, are billed nothing."""
        if self.run is None or self.error is not None:
            return 0, 0
        return self.run.processed, 0 if self.dry else self.run.billed


def _milliseconds(moment: float) -> str:
    return str(int(moment * 1000))


async def finished(job: Job, seconds: float) -> bool:
    """Wait until a job is done, but no longer than this; whether it is."""
    if not job.finished.is_set() and seconds > 0:
        try:
            await asyncio.wait_for(job.finished.wait(), seconds)
        except TimeoutError:
            return False
    return job.finished.is_set()
