"""The child process of one connection, seen from Tailrace: every call has a deadline, and killing is the cancel."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from tailrace.errors import SourceUnavailable, TailraceError
from tailrace.sources.db2.errors import Problem, cancelled, crashed, late, problem_of
from tailrace.sources.db2.reroute import without_reroute
from tailrace.sources.db2.settings import Db2Connection
from tailrace.sources.db2.wire import Ended, Failure, Late, Wire

ANSWER = 120.0
"""Seconds for what is no statement of the user's: to commit, roll back, close."""

STATEMENT = 6 * 3600.0
"""Seconds for a statement where no `statement_timeout` is set; a dead network is found long before, by keep-alives."""

_MARGIN = 5.0
_END = 5.0


class DriverError(Exception):
    """The driver refused a call; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text)
        self.problem = problem


class Child:
    """A process with one connection. After an error that ends it, every call raises SourceUnavailable."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        ours, theirs = socket.socketpair()
        watched, self._lifeline = os.pipe()
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [
                        *(sys.executable, "-m", "tailrace.sources.db2.child"),
                        *(str(theirs.fileno()), str(watched)),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(), watched),
                    env=os.environ | {"DB2CODEPAGE": "1208", "LC_ALL": "C.UTF-8"} | dict(environment or {}),
                    start_new_session=True,
                )
            except BaseException:
                ours.close()
                os.close(self._lifeline)
                raise
            finally:
                os.close(watched)
        self._wire = Wire(ours)
        self._turn = threading.Lock()
        self._guard = threading.Lock()
        self._busy = ""
        self._cancelled = False
        self._over = False

    @property
    def pid(self) -> int:
        """The process, for tests that kill it."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the connection can still be used, as far as is known."""
        return not self._over and self._process.poll() is None

    def call(
        self,
        name: str,
        *arguments: Any,
        seconds: float = ANSWER,
        expired: Callable[[], TailraceError] | None = None,
    ) -> Any:
        """One call of the driver.

        Raises DriverError where the driver refuses; Cancelled after `cancel`; the error of `expired` where no
        answer came in time; SourceUnavailable where the process is gone. All but the first end the process, and so
        does a DriverError that says that the connection is dead.
        """
        with self._turn:
            self.ask(name, *arguments, seconds=seconds)
            return self.answer(seconds, expired)

    def ask(self, name: str, *arguments: Any, seconds: float = ANSWER) -> None:
        """Begin a call whose result `answer` gives. Raises SourceUnavailable, also where nobody takes it in time."""
        with self._guard:
            if self._over:
                raise SourceUnavailable("the connection to Db2 is closed", hint="Run it again.")
            self._busy, self._cancelled = name, False
        try:
            self._wire.send((name, arguments), seconds)
        except Late:
            self._finish(kill=True)
            raise late(seconds, name) from None
        except Ended:
            status = self._finish(kill=self._cancelled)
            raise (cancelled() if self._cancelled else crashed(status)) from None

    def answer(self, seconds: float = ANSWER, expired: Callable[[], TailraceError] | None = None) -> Any:
        """The result of the call that was asked for; raises what `call` raises."""
        name = self._busy
        try:
            answer = self._wire.receive(seconds)
        except Late:
            self._finish(kill=True)
            raise (expired() if expired else late(seconds, name)) from None
        except Ended:
            status = self._finish(kill=self._cancelled)
            raise (cancelled() if self._cancelled else crashed(status)) from None
        except BaseException:  # interrupted between question and answer
            self._finish(kill=True)
            raise
        finally:
            with self._guard:
                self._busy = ""
        if isinstance(answer, Failure):
            problem = problem_of(answer)
            if problem.lost:
                self._finish(kill=True)
            raise DriverError(problem)
        return answer

    def cancel(self) -> bool:
        """End the process if a call is under way; may be called from another thread."""
        with self._guard:
            if not self._busy or self._over:
                return False
            self._cancelled = True
            self._process.kill()
            return True

    def close(self) -> None:
        """End the process at once, and the connection with it; whatever was not committed is undone."""
        self._finish(kill=True)

    def part(self) -> None:
        """End a connection that nothing depends on as the server likes it: with a goodbye."""
        with contextlib.suppress(TailraceError, DriverError):
            self.call("close", seconds=_END)
        self._finish(kill=False)

    def _finish(self, *, kill: bool) -> int | None:
        with self._guard:
            if self._over:
                return self._process.returncode
            self._over = True
        if kill:
            self._process.kill()
        self._wire.close()
        with contextlib.suppress(OSError):
            os.close(self._lifeline)
        try:
            return self._process.wait(_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def connect(connection: Db2Connection) -> Child:
    """A child process with an open connection. Raises DriverError or SourceUnavailable.

    A plain socket tries the address first: the driver needs five seconds to find a closed port, and longer for a
    host that drops packets.
    """
    until = time.monotonic() + connection.connect_timeout
    with reached(connection, connection.connect_timeout):
        pass
    with without_reroute(connection) as environment:
        child = Child(environment)
        try:
            left = max(1.0, until - time.monotonic())
            child.call(
                "connect",
                connection.text(),
                seconds=left + _MARGIN,
                expired=lambda: SourceUnavailable(
                    f"{connection.hostname}, port {connection.port} takes connections but no login within "
                    f"{connection.connect_timeout} s",
                    hint="Check whether that port is Db2's, and whether it speaks TLS as the source's `tls` says.",
                ),
            )
        except BaseException:
            child.close()
            raise
    return child


@contextlib.contextmanager
def reached(connection: Db2Connection, seconds: float) -> Any:
    """A plain TCP connection to the server. Raises SourceUnavailable, which says why there is none."""
    host, place = connection.hostname, f"{connection.hostname}, port {connection.port}"
    try:
        opened = socket.create_connection((host, connection.port), seconds)
    except (socket.gaierror, UnicodeError) as error:
        raise SourceUnavailable(
            f"the host name {host!r} cannot be resolved: {getattr(error, 'strerror', None) or error}",
            hint="Check the spelling of the source's `hostname`, and this machine's DNS.",
        ) from error
    except TimeoutError as error:
        raise SourceUnavailable(
            f"{place} does not answer within {seconds:g} s",
            hint="A firewall or an IP allow-list may drop the packets: let this machine in.",
        ) from error
    except ConnectionRefusedError as error:
        raise SourceUnavailable(
            f"{place} refuses the connection: nothing listens there",
            hint="Check `hostname` and `port` (on IBM Cloud each instance has a port of its own), and that the server runs.",
        ) from error
    except OSError as error:
        raise SourceUnavailable(
            f"{place} cannot be reached: {error.strerror or error}", hint="Check the network."
        ) from error
    with opened:
        yield opened
