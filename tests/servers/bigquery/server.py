"""A stand-in for BigQuery: bqemulator with what it lacks, in a process of its own, on loopback only.

It starts in the environment `.venv-bqemulator` (`make setup` makes it). `BigQueryServer` may be used from any
process: all that a client needs is in `environment()` and an account's key.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import secrets
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from tests.servers.bigquery.account import Account
from tests.servers.bigquery.faults import Fault
from tests.servers.certificates import make_certificates

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-bqemulator" / "bin" / "python"
DATASET = "shop"
LOCATION = "EU"
_STOP_SECONDS = 15


class BigQueryMissing(RuntimeError):
    """The environment of bqemulator was not made."""


class StandInError(RuntimeError):
    """A statement or request of a test was refused."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason


@dataclass(frozen=True)
class FaultHandle:
    """A fault that was asked for."""

    server: BigQueryServer
    id: str

    @property
    def met(self) -> int:
        """How many calls it has struck."""
        return self.server.control("fault-met", id=self.id)["met"]

    def release(self) -> None:
        """Let go on what it holds; it strikes no more."""
        self.server.control("fault-release", id=self.id)


@dataclass(frozen=True)
class Dataset:
    """A fresh project with one empty dataset, and an account that may do what Tailrace needs."""

    server: BigQueryServer
    project: str
    name: str
    location: str
    account: Account

    def settings(self, **changes: Any) -> dict[str, Any]:
        """The source's settings, with `changes`; a change to None leaves a setting out."""
        settings = {
            "credentials": json.dumps(self.account.key),
            "location": self.location,
            "project": self.project,
        } | changes
        return {name: value for name, value in settings.items() if value is not None}

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as administrator, tables without a dataset being in this one; the rows of the last."""
        return self.server.sql(*statements, project=self.project, dataset=self.name, location=self.location)

    def another_account(self, name: str = "other") -> Account:
        """Another service account of the project, which may do nothing yet."""
        return self.server.account(self.project, name)

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """The jobs of this project but those of `sql`, oldest first."""
        jobs = self.server.control("jobs", project=self.project)
        return [job for job in jobs if job["labels"].get("by") != "administrator"]

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The calls of the REST API for this project, oldest first."""
        return self.server.control("calls", project=self.project)


class BigQueryServer:
    """A running stand-in; `start` and `stop` it once per test process.

    With `tls`, a folder to write certificates to, the Storage API speaks TLS only.
    """

    host = "127.0.0.1"

    def __init__(self, tls: Path | None = None, port: int = 0) -> None:
        self._tls = tls
        self._wanted_port = port
        self._secret = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        self._local = threading.local()
        self._numbers = itertools.count(1)
        self.rest = 0
        self.storage = 0

    # -- life

    def start(self) -> None:
        """Start the process and wait until it answers."""
        if not PYTHON.exists():
            raise BigQueryMissing(
                "these tests need bqemulator in an environment of its own, .venv-bqemulator: `make setup` makes it"
            )
        self._process = subprocess.Popen(
            [PYTHON, "-m", "tests.servers.bigquery.standin"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        wanted: dict[str, Any] = {"secret": self._secret, "port": self._wanted_port}
        if self._tls is not None:
            make_certificates(self._tls, self._tls / "ca.crt", self._tls / "other-ca.crt", self.host)
            wanted |= {"certificate": str(self._tls / "server.crt"), "key": str(self._tls / "server.key")}
        self._process.stdin.write(json.dumps(wanted).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the stand-in did not start: exit code {self._process.wait()}")
        ports = json.loads(line)
        self.rest, self.storage = ports["rest"], ports["storage"]

    def stop(self) -> None:
        """End the process; what it held is gone."""
        if self._process is None:
            return
        process, self._process = self._process, None
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if connection := getattr(self._local, "connection", None):
            connection.close()

    def environment(self) -> dict[str, str]:
        """The variables by which an operator points Tailrace here."""
        return {
            "TAILRACE_BIGQUERY_ENDPOINT": f"http://{self.host}:{self.rest}",
            "TAILRACE_BIGQUERY_STORAGE_ENDPOINT": f"{self.host}:{self.storage}",
            "TAILRACE_BIGQUERY_TOKEN_URI": f"http://{self.host}:{self.rest}/token",
        } | ({"TAILRACE_BIGQUERY_STORAGE_CA": str(self._tls / "ca.crt")} if self._tls else {})

    # -- projects, accounts, data

    def account(self, project: str, name: str = "tailrace", number: int = 0) -> Account:
        """A service account that may do nothing yet; `number` chooses its key pair."""
        from tests.servers.bigquery.account import key_pair

        email = f"{name}@{project}.iam.gserviceaccount.com"
        self.control("account", email=email, public_key=key_pair(number)[1])
        return Account(self, project, email, number)

    @contextmanager
    def dataset(self, name: str = DATASET, location: str = LOCATION) -> Iterator[Dataset]:
        """A project of its own with an empty dataset, whose tables its account may read; dropped at the end."""
        project = f"test-project-{next(self._numbers)}"
        account = self.account(project)
        account.setup("user").grant("roles/bigquery.dataViewer", dataset=name)
        self.control("dataset", project=project, dataset=name, location=location)
        try:
            yield Dataset(self, project, name, location, account)
        finally:
            self.control("drop", project=project)

    def sql(
        self, *statements: str, project: str, dataset: str | None = None, location: str = LOCATION
    ) -> list[tuple[Any, ...]]:
        """Run statements as administrator; the rows of the last. GRANT and REVOKE are understood too."""
        answer = self._request(
            "sql", {"statements": statements, "project": project, "dataset": dataset, "location": location}
        )
        table = pa.ipc.open_stream(answer).read_all()
        columns = [column.to_pylist() for column in table.columns]
        return list(zip(*columns, strict=True))

    # -- faults

    def fail(self, *faults: Fault) -> FaultHandle:
        """Let faults happen, beside those there are; gives a handle to the last."""
        number = ""
        for fault in faults:
            number = self.control("fault", **fault.described())["id"]
        return FaultHandle(self, number)

    def clear_faults(self) -> None:
        """Let no fault happen any more, and go on what is held."""
        self.control("faults-clear")

    def expire_tokens(self) -> None:
        """Refuse every access token given so far; new ones are given."""
        self.control("expire-tokens")

    def slow(self, pending: float = 0.0, running: float = 0.0) -> None:
        """Let every job be PENDING, then RUNNING, for so many seconds before it has an effect."""
        self.control("settings", pending=pending, running=running)

    def token_lifetime(self, seconds: float) -> None:
        """How long access tokens hold that are given from now on."""
        self.control("settings", token_lifetime=seconds)

    def limit_table_updates(self, enforced: bool = True) -> None:
        """Refuse what changes a table more often than five times in ten seconds, as Google does."""
        self.control("settings", table_updates=enforced)

    # -- what happened

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """All jobs, oldest first: id, project, location, account, labels, statement, kind, state, reason, bytes …"""
        return self.control("jobs")

    @property
    def requests(self) -> list[dict[str, Any]]:
        """All calls of the REST API, oldest first: call, line, account, status, job, location."""
        return self.control("calls")

    @property
    def sessions(self) -> list[str]:
        """The ids of the sessions that have not ended."""
        return self.control("sessions")

    def control(self, what: str, **body: Any) -> Any:
        """Ask the process for something beside BigQuery's API."""
        return json.loads(self._request(what, body))

    def _request(self, what: str, body: dict[str, Any]) -> bytes:
        content = json.dumps(body)
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection(
                self.host, self.rest, timeout=600
            )
        try:
            connection.request("POST", f"/control/{what}", content, {"X-Control": self._secret})
            answer = connection.getresponse()
            data = answer.read()
        except (http.client.HTTPException, OSError):
            connection.close()
            self._local.connection = None
            raise
        if answer.status != 200:
            error = json.loads(data).get("error", {})
            reasons = error.get("errors") or [{}]
            raise StandInError(reasons[0].get("reason", "unknown"), error.get("message", ""))
        return data
