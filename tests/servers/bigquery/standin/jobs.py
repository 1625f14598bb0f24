"""All jobs: how they are taken up, run in threads, and end."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
import uuid
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import duckdb
from tests.servers.bigquery.standin.accounts import Account
from tests.servers.bigquery.standin.errors import Refusal, invalid_query, not_found
from tests.servers.bigquery.standin.execution import NOTHING, Execution, Result, Run
from tests.servers.bigquery.standin.faults import Faults
from tests.servers.bigquery.standin.job import CANCELLED, Job
from tests.servers.bigquery.standin.loads import load
from tests.servers.bigquery.standin.scripts import is_script, run_script
from tests.servers.bigquery.standin.sessions import Session, Sessions
from tests.servers.bigquery.standin.statement import aborted_session, control, parse

MOST_HELD = 1024 * 1024 * 1024
"""So many bytes of results are kept; Google keeps them for a day."""
MOST_CHARACTERS = 1024 * 1024
"""https://cloud.google.com/bigquery/quotas#query_jobs: of a statement before its names are resolved."""
_MULTIREGIONS = {"us", "eu"}


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
        self._guard = threading.Lock()
        self._results: deque[Job] = deque()
        self._held = 0
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
        if len(query.get("query", "")) > MOST_CHARACTERS:
            raise Refusal(
                "invalid",
                "The query is too large. The maximum standard SQL query length is 1024.00K characters, including"
                " comments and white space characters.",
            )
        if query.get("destinationTable"):
            raise Refusal(
                "invalid", "This stand-in keeps no results in a destination table; use CREATE TABLE AS"
            )
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
        self._keep(job)
        job.loop.call_soon_threadsafe(job.finished.set)

    def _keep(self, job: Job) -> None:
        """Hold a job's rows; those of the oldest jobs are forgotten when all take too much."""
        if job.result.table.num_rows == 0:
            return
        with self._guard:
            self._results.append(job)
            self._held += job.result.table.nbytes
            while self._held > MOST_HELD and len(self._results) > 1:
                oldest = self._results.popleft()
                self._held -= oldest.result.table.nbytes
                oldest.result.table = NOTHING
                oldest.error = not_found("Not found: the results of this job are no longer held")

    def _connection(self) -> duckdb.DuckDBPyConnection:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return self.sessions.connect()

    def _wait(self, job: Job, seconds: float) -> None:
        if job.stop.wait(seconds) if seconds else job.stop.is_set():
            raise Refusal("stopped", CANCELLED)

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
