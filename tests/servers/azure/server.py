"""A stand-in for an Azure dedicated SQL pool, for tests: TDS over TLS on loopback, in a process of its own."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.azure.control import call
from tests.servers.azure.entra import CLIENT, SECRET, TENANT
from tests.servers.azure.faults import At
from tests.servers.certificates import make_certificates

ADMINISTRATOR = "tailrace_admin"
PASSWORD = "not a 'secret' {of} anyone;"
_ROOT = Path(__file__).resolve().parents[3]
_LAST_LINES = 100


Call = Callable[..., Any]
"""Asks the server's process for something by name."""


@dataclass(frozen=True)
class Held:
    """Statements that a fault holds."""

    call: Call
    number: int

    def reached(self, timeout: float = 60) -> None:
        """Wait until a statement is held. Raises TimeoutError."""
        if not self.call("hold_reached", self.number, timeout):
            raise TimeoutError("no statement was held")

    def release(self) -> None:
        """Let them go on."""
        self.call("hold_release", self.number)


class Faults:
    """What the next logins and statements meet; `clear` takes everything back, also a pause."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def fail(self, number: int, containing: str = "", times: int | None = 1, at: At = "before") -> None:
        """The next statements with this text (any letter case) end in the pool's error of that number.

        `at="after"`: after they took effect. `times=None`: all of them.
        """
        self._call("fault", "error", number=number, containing=containing, times=times, at=at)

    def refuse_logins(self, number: int, times: int | None = None) -> None:
        """The next logins end in the pool's error of that number (40613, 40615, 42109, 10928, 18456, 4060, 916 …)."""
        self._call("fault", "error", number=number, times=times, login=True)

    def drop_logins(self, times: int | None = 1) -> None:
        """The next connections are cut where their login should be answered."""
        self._call("fault", "drop", times=times, login=True)

    def drop(self, containing: str = "", times: int | None = 1, at: At = "before", rows: int = 1) -> None:
        """Cut the connection at the next statements with this text.

        `before` they have any effect; `during` them, so that they are stopped and undone; after so many `rows`
        were sent; `after` their effect, instead of the answer. A commit contains "COMMIT".
        """
        self._call("fault", "drop", containing=containing, times=times, at=at, rows=rows)

    def hold(self, containing: str = "", times: int | None = 1, at: At = "before") -> Held:
        """Hold the next statements with this text until they are released; an attention or KILL ends them."""
        return Held(self._call, self._call("fault", "hold", containing=containing, times=times, at=at))

    def waiting(self) -> int:
        """How many faults nobody has met yet."""
        return self._call("faults_waiting")

    def pause(self, number: int = 42108) -> None:
        """Pause the pool: what runs is killed, connections are cut, logins end in this error (42108, 40892)."""
        self._call("pause", number)

    def resume(self) -> None:
        """Resume the pool."""
        self._call("resume")

    def clear(self) -> None:
        """Take everything back: faults, holds, a pause, slots, edition."""
        self._call("clear_faults")

    def edition(self, number: int) -> None:
        """SERVERPROPERTY('EngineEdition'): 6 dedicated pool, 5 SQL Database, 11 serverless, 3 SQL Server."""
        self._call("set_edition", number)

    def token_lifetime(self, seconds: int) -> None:
        """How long the next Entra tokens are good for; 3599 s without a word."""
        self._call("set_entra", seconds, None)

    def expire_tokens(self) -> None:
        """Every Entra token given out so far is no longer good for a login."""
        self._call("expire_tokens")

    def refuse_tokens(
        self, status: int = 503, words: str = "AADSTS90033: A transient error has occurred."
    ) -> None:
        """Entra ID gives no tokens, with this HTTP status, until `clear`."""
        self._call("set_entra", None, (status, words))

    def slots(self, count: int) -> None:
        """How many statements run at once; others wait (DW100c has 4)."""
        self._call("set_slots", count)


@dataclass(frozen=True)
class Pool:
    """One clean dedicated SQL pool (a database)."""

    server: AzureServer
    name: str

    def settings(self, **changes: Any) -> dict[str, Any]:
        """An `azure` source's settings as the administrator, with `changes`; a change to None leaves one out."""
        settings = {
            "hostname": self.server.host,
            "port": self.server.port,
            "database": self.name,
            "username": ADMINISTRATOR,
            "password": PASSWORD,
            "tls": {"ca": str(self.server.ca)},
        } | changes
        return {name: value for name, value in settings.items() if value is not None}

    def entra_settings(self, **changes: Any) -> dict[str, Any]:
        """An `azure` source's settings as the service principal `tailrace-app`, without user and password.

        It has no user in the pool until `CREATE USER [tailrace-app] FROM EXTERNAL PROVIDER`.
        """
        entra = {"tenant_id": TENANT, "client_id": CLIENT, "client_secret": SECRET} | changes
        return self.settings(username=None, password=None, entra=entra)

    def identity_settings(self) -> dict[str, Any]:
        """An `azure` source's settings as the managed identity `tailrace-identity`; it needs a user, too."""
        return self.settings(username=None, password=None, entra={"managed_identity": True})

    def environment(self) -> dict[str, str]:
        """The TAILRACE_* variables that Tailrace needs beside the settings."""
        return self.server.environment()

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run T-SQL as the administrator, without the wire; the rows of the last that has any."""
        return self.server.call("sql", self.name, statements)

    admin = sql

    def snapshot_reads(self, on: bool = True) -> None:
        """ALTER DATABASE … SET READ_COMMITTED_SNAPSHOT: off (the default) makes dirty reads possible."""
        self.server.sql(f"ALTER DATABASE [{self.name}] SET READ_COMMITTED_SNAPSHOT {'ON' if on else 'OFF'}")

    def sessions(self) -> list[dict[str, Any]]:
        """The open sessions: id, user, application, running statement, whether in a transaction."""
        return self.server.call("sessions", self.name)

    @property
    def statements(self) -> list[str]:
        """The statements that clients ran here, in order, as they were sent."""
        return self.server.call("statements", self.name)

    def forget_statements(self) -> None:
        """Empty the log of statements."""
        self.server.call("forget_statements", self.name)


class AzureServer:
    """A logical server in a child process; `start` and `stop` it once per test process."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tailrace-azure-"))
        self.ca = self.folder / "ca.crt"
        self.other_ca = self.folder / "other-ca.crt"
        self.certificate = self.folder / "server.crt"
        self.port = self.control = self.entra_port = 0
        self._process: subprocess.Popen[str] | None = None
        self._errors = self.folder / "stderr.txt"
        self._count = 0

    def start(self, port: int = 0) -> None:
        """Start the process and wait until it listens."""
        make_certificates(self.folder, self.ca, self.other_ca, self.host)
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.servers.azure.process", str(self.folder), str(port)],
                cwd=_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the server did not start: {self._ended(self._process)}")
        ports = json.loads(line)
        self.port, self.control, self.entra_port = ports["port"], ports["control"], ports["entra"]

    @property
    def pid(self) -> int:
        """The process, while it is started."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """End the process and remove its folder. Raises RuntimeError where it had died, or left something undone."""
        process, self._process = self._process, None
        try:
            if process is not None:
                with process:
                    assert process.stdin is not None
                    process.stdin.close()  # its sign to end
                    try:
                        process.wait(10)
                    except subprocess.TimeoutExpired:
                        process.kill()
                if process.returncode or "Traceback" in self._errors.read_text(errors="replace"):
                    raise RuntimeError(f"the server {self._ended(process)}")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _ended(self, process: subprocess.Popen[str]) -> str:
        """How the process ended, and the last of what it wrote on standard error."""
        try:
            code = process.wait(10)
        except subprocess.TimeoutExpired:
            return "does not answer, but runs"
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        last = self._errors.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        return "\n".join([how, *last])

    def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Ask the process for something by name. Raises RuntimeError where it has died, and says how."""
        try:
            return call(self.control, name, *arguments, **options)
        except (OSError, EOFError) as error:
            if self._process is None:
                raise
            raise RuntimeError(f"the server {self._ended(self._process)}") from error

    def environment(self) -> dict[str, str]:
        """For the server's own Entra ID: TAILRACE_ENTRA_AUTHORITY for tokens of a service principal, and the
        variable by which azure-identity finds the metadata service of a managed identity."""
        address = f"http://{self.host}:{self.entra_port}"
        return {"TAILRACE_ENTRA_AUTHORITY": address, "AZURE_POD_IDENTITY_AUTHORITY_HOST": address}

    def tokens_given(self) -> int:
        """How many tokens Entra ID was asked for."""
        return self.call("tokens_given")

    @property
    def faults(self) -> Faults:
        """Switches for what goes wrong next."""
        return Faults(self.call)

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run T-SQL as the administrator in `master`."""
        return self.call("sql", "master", statements)

    @contextmanager
    def pool(self) -> Iterator[Pool]:
        """A pool of its own, dropped at the end with whoever is still connected; faults are taken back."""
        self._count += 1
        name = f"pool_{self._count}"
        self.call("create_pool", name)
        try:
            yield Pool(self, name)
        finally:
            self.faults.clear()
            self.call("drop_pool", name)
