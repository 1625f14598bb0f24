"""Query jobs: ids of our own, adopted where an answer was lost, run anew where Google's side failed."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from tailrace.errors import Cancelled
from tailrace.sources.bigquery.client import BigQueryClient, deadlines, translated
from tailrace.sources.bigquery.errors import RETRYABLE, is_conflict, message_of, reason_of
from tailrace.sources.deadline import deadline, timeout_error

if TYPE_CHECKING:
    from google.cloud.bigquery import LoadJob, QueryJob, QueryJobConfig
    from google.cloud.bigquery.table import RowIterator

AnyJob = TypeVar("AnyJob")

ATTEMPTS = 5
_PAUSE = 1.0
"""Together the pauses, doubled each time, outlast the ten seconds in which a table may change only five times
(https://cloud.google.com/bigquery/quotas#standard_tables)."""
_LABEL_CHARACTERS = 63


def label_value(text: str) -> str:
    """Text as a label's value may be (https://cloud.google.com/bigquery/docs/labels-intro#requirements)."""
    return re.sub(r"[^a-z0-9_-]", "_", text.lower())[:_LABEL_CHARACTERS]


@dataclass(slots=True)
class Jobs:
    """Runs one session's statements as jobs, one after the other; `cancel` may come from another thread.

    A job's id is made of the session's random name, the number of the statement and the attempt at it: sending it
    again after a lost answer never runs a statement twice.
    """

    client: BigQueryClient
    source: str
    timeout: float | None = None
    max_bytes_billed: int | None = None
    pause: Callable[[float], object] | None = None
    name: str = field(default_factory=lambda: f"tailrace_{secrets.token_hex(8)}")
    cancelled: threading.Event = field(default_factory=threading.Event)
    _number: int = 0
    _running: set[str] = field(default_factory=set)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def config(
        self, *, session: str | None = None, make_session: bool = False, capped: bool = True
    ) -> QueryJobConfig:
        """A query's configuration: labelled, capped, in UTC whatever the project's default is."""
        from google.cloud.bigquery import ConnectionProperty, QueryJobConfig

        config = QueryJobConfig(use_query_cache=False, use_legacy_sql=False)
        config.labels = {"application": "tailrace", "tailrace_source": label_value(self.source)}
        properties = [ConnectionProperty("time_zone", "UTC")]
        if session is not None:
            properties.append(ConnectionProperty("session_id", session))
        config.connection_properties = properties
        if make_session:
            config.create_session = True
        if capped and self.max_bytes_billed is not None:
            config.maximum_bytes_billed = self.max_bytes_billed
        if self.timeout:
            config.job_timeout_ms = round(self.timeout * 1000)
        return config

    @property
    def number(self) -> int:
        """How many statements were begun so far."""
        return self._number

    def run(
        self, statement: str, config: QueryJobConfig, *, once: bool = False, page_size: int | None = None
    ) -> tuple[QueryJob, RowIterator]:
        """Run a statement to its end; its job, and the rows to fetch. `once`: never under a second id.

        An id is given up only where BigQuery said that its job failed: after silence, the same job is asked for again.
        """
        number, failures = self._next(), 0
        self.cancelled.clear()
        for attempt in range(ATTEMPTS):
            job_id = f"{self.name}_{number}_{failures}"
            try:
                return self._attempt(statement, config, job_id, page_size)
            except Exception as error:
                failed = _has_failed(getattr(error, "query_job", None))
                last = (once and failed) or attempt == ATTEMPTS - 1 or self.cancelled.is_set()
                if last or reason_of(error) not in RETRYABLE or is_conflict(error):
                    with translated(cancelled=self.cancelled.is_set(), timeout=self.timeout):
                        raise
                failures += failed
            self._wait(_PAUSE * 2**attempt)
        raise AssertionError("the last attempt raises")

    def _attempt(
        self, statement: str, config: QueryJobConfig, job_id: str, page_size: int | None
    ) -> tuple[QueryJob, RowIterator]:
        with self._watched(job_id), deadline(self.timeout, lambda: self._stop(job_id)) as passed:
            try:
                job = self._begin(statement, config, job_id)
                if self.cancelled.is_set():
                    self._stop(job_id)
                rows = job.result(
                    page_size=page_size, job_retry=None, timeout=None, retry=deadlines()["retry"]
                )
            except Exception as error:
                if passed.is_set() and reason_of(error) == "stopped":
                    raise timeout_error(self.timeout or 0) from error
                raise
        return job, rows

    def _begin(self, statement: str, config: QueryJobConfig, job_id: str) -> QueryJob:
        google = self.client.google
        return self._adopted(
            job_id,
            lambda: google.query(
                statement,
                job_config=config,
                job_id=job_id,
                location=self.client.location,
                job_retry=None,
                **deadlines(),
            ),
        )

    def _adopted(self, job_id: str, begin: Callable[[], AnyJob]) -> AnyJob:
        """The job that begins, or the one of this id that began before, its answer being lost."""
        try:
            return begin()
        except Exception as error:
            if reason_of(error) != "duplicate" or "job" not in message_of(error).lower():
                raise
        return self.client.google.get_job(job_id, location=self.client.location, **deadlines())  # pyright: ignore[reportReturnType]

    def load(self, start: Callable[[str], LoadJob]) -> LoadJob:
        """Run a load job that `start` begins under the given id, to its end; once, like a statement."""
        number, failures = self._next(), 0
        for attempt in range(ATTEMPTS):
            job_id, job = f"{self.name}_{number}_{failures}", None
            try:
                with self._watched(job_id):
                    job = self._adopted(job_id, lambda job_id=job_id: start(job_id))
                    job.result(timeout=self.timeout, retry=deadlines()["retry"])
                    return job
            except Exception as error:
                last = attempt == ATTEMPTS - 1 or self.cancelled.is_set()
                if last or reason_of(error) not in RETRYABLE:
                    with translated(cancelled=self.cancelled.is_set(), timeout=self.timeout):
                        raise
                failures += _has_failed(job)
            self._wait(_PAUSE * 2**attempt)
        raise AssertionError("the last attempt raises")

    def dry_run(self, statement: str) -> QueryJob:
        """What a query's columns would be and how many bytes it would read; nothing is run and nothing billed."""
        config = self.config(capped=False)
        config.dry_run = True
        return self.client.google.query(
            statement, job_config=config, location=self.client.location, job_retry=None, **deadlines()
        )

    def cancel(self) -> None:
        """Stop what runs."""
        self.cancelled.set()
        with self._guard:
            running = list(self._running)
        for job_id in running:
            self._stop(job_id)

    def _stop(self, job_id: str) -> None:
        self.client.cancel(job_id, self.client.location)

    def _next(self) -> int:
        with self._guard:
            self._number += 1
            return self._number

    def _watched(self, job_id: str) -> _Watched:
        return _Watched(self._running, self._guard, job_id)

    def _wait(self, seconds: float) -> None:
        if self.pause is not None:
            self.pause(seconds)
        elif self.cancelled.wait(seconds):
            raise Cancelled("the statement was cancelled")


def _has_failed(job: Any) -> bool:
    """Whether BigQuery said so; a request without an answer says nothing about its job."""
    return job is not None and job.state == "DONE" and bool(job.error_result)


@dataclass(frozen=True, slots=True)
class _Watched:
    """While it runs, a job can be cancelled."""

    running: set[str]
    guard: threading.Lock
    job_id: str

    def __enter__(self) -> None:
        with self.guard:
            self.running.add(self.job_id)

    def __exit__(self, *_: Any) -> None:
        with self.guard:
            self.running.discard(self.job_id)


def job_ids(name: str, number: int) -> list[str]:
    """The ids that a session's statement of this number may have."""
    return [f"{name}_{number}_{attempt}" for attempt in range(ATTEMPTS)]
