"""Jobs: their ids, states, results and ends.

https://cloud.google.com/bigquery/docs/reference/rest/v2/Job
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import duckdb
from tests.servers.bigquery.standin.accounts import Account
from tests.servers.bigquery.standin.errors import Refusal, invalid_query, not_found
from tests.servers.bigquery.standin.execution import NOTHING, Execution, Result, Run
from tests.servers.bigquery.standin.faults import Faults
from tests.servers.bigquery.standin.loads import load
from tests.servers.bigquery.standin.scripts import is_script, run_script
from tests.servers.bigquery.standin.sessions import Session, Sessions
from tests.servers.bigquery.standin.statement import aborted_session, control, parse

_INSIST = 0.05
_MULTIREGIONS = {"us", "eu"}
_CANCELLED = "Job execution was cancelled: User requested cancellation"


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
        self.why = self.why or why or Refusal("stopped", _CANCELLED)
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


class Jobs:
    """All jobs, and the threads that run them."""

    def __init__(self, execution: Execution, sessions: Sessions, faults: Faults) -> None:
        self.execution = execution
        self.sessions = sessions
        self.faults = faults
        self.pending = 0.0
        self.running = 0.0
        self.log: list[Job] = []
        self._jobs: dict[tuple[str, str, str], Job] = {}
        self._threads = ThreadPoolExecutor(96, thread_name_prefix="job")
        self._idle: queue.SimpleQueue[duckdb.DuckDBPyConnection] = queue.SimpleQueue()

    # -- the API's operations

    def submit(
        self,
        account: Account,
        project: str,
        configuration: dict[str, Any],
        reference: dict[str, Any],
        media: bytes | None = None,
    ) -> Job:
        """Take up a job. Raises Refusal where its id is taken or its session is none."""
        query = configuration.get("query", {})
        session = self._session(account, project, configuration, reference.get("location"))
        location = reference.get("location") or (session.location if session else None)
        location = location or self._routed(project, configuration)
        job = Job(
            reference.get("jobId") or f"job_{uuid.uuid4().hex}",
            project,
            location,
            account,
            configuration,
            asyncio.get_running_loop(),
        )
        key = (project, location.lower(), job.id)
        if not job.dry:
            if key in self._jobs:
                raise Refusal("duplicate", f"Already Exists: Job {project}:{location}.{job.id}")
            self._jobs[key] = job
            self.log.append(job)
        if session is None and query.get("createSession"):
            session = self.sessions.create(project, location, account.email)
        job.session = session.id if session else None
        if milliseconds := configuration.get("jobTimeoutMs"):
            late = Refusal("stopped", f"Job timed out after {int(milliseconds) // 1000} sec")
            job.loop.call_later(int(milliseconds) / 1000, job.cancel, late)
        self._threads.submit(self._work, job, session, media)
        return job

    def find(self, project: str, name: str, location: str | None) -> Job:
        """A job by its id; outside the multi-regions, only with its location. Raises Refusal."""
        places = [location.lower()] if location else _MULTIREGIONS
        for place in places:
            if job := self._jobs.get((project, place, name)):
                return job
        raise not_found(f"Not found: Job {project}:{name}")

    def _session(
        self, account: Account, project: str, configuration: dict[str, Any], location: str | None
    ) -> Session | None:
        part = configuration.get("query") or configuration.get("load") or {}
        for each in part.get("connectionProperties") or ():
            if each.get("key") == "session_id" and each.get("value"):
                return self.sessions.get(each["value"], project, location, account.email)
        return None

    def _routed(self, project: str, configuration: dict[str, Any]) -> str:
        """Where a job without a location runs: where its first dataset is, else in the US."""
        query = configuration.get("query", {})
        default = query.get("defaultDataset") or (configuration.get("load") or {}).get("destinationTable")
        names = [(default.get("projectId") or project, default["datasetId"])] if default else []
        try:
            statement = parse(query.get("query", ""), project, ("", ""), set())
            names += [table[:2] for table in (*statement.reads, *statement.views)]
            if statement.target is not None:
                names.append(statement.target[:2])
        except Refusal:
            pass
        found = (self.execution.catalog.dataset(name) for name in names)
        return next((dataset.location for dataset in found if dataset is not None), "US")

    # -- in a thread

    def _work(self, job: Job, session: Session | None, media: bytes | None) -> None:
        try:
            self._wait(job, self.pending)
            if session is not None:
                with session.busy:
                    if session.ended:
                        raise Refusal("notFound", f"Not found: Session {session.id}")
                    try:
                        self._attempt(job, session, session.connection, media)
                    finally:
                        job.release()
            else:
                connection = self._connection()
                try:
                    self._attempt(job, None, connection, media)
                finally:
                    job.release()
                    self._idle.put(connection)
        except Refusal as refusal:
            job.error = job.why if job.why is not None and refusal.reason == "stopped" else refusal
        except Exception as error:
            job.error = Refusal(
                "internalError", f"An internal error occurred: {type(error).__name__}: {error}"
            )
        job.release()
        job.ended = time.time()
        job.state = "DONE"
        job.loop.call_soon_threadsafe(job.finished.set)

    def _connection(self) -> duckdb.DuckDBPyConnection:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return self.sessions.connect()

    def _wait(self, job: Job, seconds: float) -> None:
        if job.stop.wait(seconds) if seconds else job.stop.is_set():
            raise Refusal("stopped", _CANCELLED)

    def _attempt(
        self, job: Job, session: Session | None, connection: duckdb.DuckDBPyConnection, media: bytes | None
    ) -> None:
        query = job.configuration.get("query", {})
        default = query.get("defaultDataset")
        cap = query.get("maximumBytesBilled")
        run = job.run = Run(
            account=job.account,
            project=job.project,
            location=job.location,
            connection=connection,
            session=session,
            default=(default.get("projectId") or job.project, default["datasetId"]) if default else None,
            parameters=query.get("queryParameters"),
            cap=int(cap) if cap else None,
            dry=job.dry,
            stop=job.stop,
        )
        job.started = time.time()
        job.state = "RUNNING"
        self._fault(job, "before")
        self._wait(job, self.running)
        if "load" in job.configuration:
            job.loaded = load(self.execution, run, job.configuration["load"], media or b"")
        elif "query" in job.configuration:
            job.result = self._query(job, run, session)
        else:
            raise Refusal("invalid", "Required parameter is missing: configuration.query")
        self._fault(job, "after")

    def _fault(self, job: Job, when: str) -> None:
        fault = self.faults.meet("job", when, job.text, job.labels, job.account.email)
        if fault is None:
            return
        while fault.hold and not fault.released.wait(0.05):
            self._wait(job, 0)
        self._wait(job, fault.delay)
        if fault.reason:
            raise Refusal(fault.reason, fault.message or f"{fault.reason} asked for by a test")

    def _query(self, job: Job, run: Run, session: Session | None) -> Result:
        text = job.text
        ended = aborted_session(text)
        if ended is not None:
            other = self.sessions.get(ended, job.project, None, job.account.email) if ended else session
            if other is None:
                raise invalid_query("Query error: Cannot ABORT_SESSION without a session")
            if other is session:
                session.busy.release()
                try:
                    self.sessions.abort(other)
                finally:
                    session.busy.acquire()
            else:
                self.sessions.abort(other)
            return Result("CALL", NOTHING, [])
        what = control(text)
        if what is not None:
            if session is None:
                raise invalid_query(
                    "Transaction control statements are supported only in scripts or sessions"
                )
            return self._control(job, session, what)
        if session is not None and session.transaction is not None:
            job.transaction = session.transaction.id
        if not is_script(text):
            return self.execution.run(run, text)
        if job.dry:
            return Result("SCRIPT", NOTHING, [])
        if session is not None:
            return self._script(job, run)
        run.session = self.sessions.create(job.project, job.location, job.account.email, listed=False)
        run.connection = run.session.connection
        try:
            return self._script(job, run)
        finally:
            run.session.end()

    def _script(self, job: Job, run: Run) -> Result:
        last, job.children = run_script(self.execution, run, job.text)
        last.kind = "SCRIPT"
        last.statistics.pop("ddlOperationPerformed", None)
        return last

    def _control(self, job: Job, session: Session, what: str) -> Result:
        if job.dry:
            return Result(f"{what}_TRANSACTION", NOTHING, [])
        if what == "BEGIN":
            session.begin()
            job.transaction = session.transaction.id if session.transaction else None
        elif what == "COMMIT":
            job.transaction = session.transaction.id if session.transaction else None
            for table in session.commit():
                self.execution.catalog.touch(table)
        else:
            session.rollback()
        return Result(f"{what}_TRANSACTION", NOTHING, [])


async def finished(job: Job, seconds: float) -> bool:
    """Wait until a job is done, but no longer than this; whether it is."""
    if not job.finished.is_set() and seconds > 0:
        try:
            await asyncio.wait_for(job.finished.wait(), seconds)
        except TimeoutError:
            return False
    return job.finished.is_set()
