"""Opens connections to a pool: encrypted, verified, pinned settings, and patient where a pool is only away."""

from __future__ import annotations

import contextlib
import math
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailrace.clock import Clock
from tailrace.errors import Cancelled, SourceError
from tailrace.sources.azure.dialect import AzureDialect
from tailrace.sources.azure.entra import Tokens
from tailrace.sources.azure.error_table import FAULTS, LOGIN, LOST
from tailrace.sources.azure.errors import driver_errors, fault_of, ours
from tailrace.sources.azure.settings import AzureSettings, authorities, connection_string

if TYPE_CHECKING:
    import mssql_python

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 60.0
"""Between two tries to log in ("Troubleshoot common connection errors")."""
_BRIEFLY = 60.0
"""How long errors are taken for passing that also a wrong name or address would give."""
_DEDICATED_POOL = 6
_EDITIONS = {
    5: "a database of Azure SQL Database",
    8: "an Azure SQL Managed Instance",
    9: "Azure SQL Edge",
    11: "a serverless SQL pool",
    12: "a database of Microsoft Fabric",
}


class Connections:
    """Opens connections with one source's settings; constructing it costs nothing."""

    def __init__(
        self,
        settings: AzureSettings,
        folder: Path,
        clock: Clock,
        statement_timeout: float | None = None,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._timeout = statement_timeout
        self._pause = pause
        self._ca = authorities(settings, folder)
        self._tokens = Tokens(settings.entra, clock) if settings.entra else None
        self._edition: int | None = None
        self._kept: mssql_python.Connection | None = None
        self._guard = threading.Lock()
        self._waiting: set[threading.Event] = set()
        self._hurried = False

    def hurry(self) -> None:
        """Wait for no pool any more: whoever waits for one now has given up, whoever comes tries once."""
        with self._guard:
            self._hurried = True
            for given_up in self._waiting:
                given_up.set()

    def take(self, given_up: threading.Event) -> mssql_python.Connection:
        """The connection that was given back, if it still answers, or a new one. Raises SourceError, Cancelled."""
        with self._guard:
            kept, self._kept = self._kept, None
        if kept is not None:
            try:
                kept.timeout = self._settings.connect_timeout
                self._pin(kept)
            except driver_errors():
                kept.close()
            else:
                return kept
        return self.open(given_up=given_up)

    def give_back(self, connection: mssql_python.Connection) -> None:
        """Keep one connection for the next session: a sync has a dozen of them, one after the other."""
        with self._guard:
            if self._kept is None:
                self._kept = connection
                return
        connection.close()

    def open(
        self, *, patient: bool = True, given_up: threading.Event | None = None
    ) -> mssql_python.Connection:
        """A new connection in autocommit; tries again while the pool is only away.

        Raises SourceError, and Cancelled where it was `given_up` in between.
        """
        load_driver()
        given_up = given_up or threading.Event()
        began = self._clock.monotonic()
        pause = FIRST_PAUSE
        while True:
            try:
                return self._prepared(self._connect())
            except driver_errors() as error:
                left = self._patience(error) - (self._clock.monotonic() - began)
                failure = ours(error)
                if not patient or pause > left:
                    raise failure from error
                with self._waited_for(given_up):
                    if not given_up.is_set():
                        _say(f"{failure.message}: trying again in {pause:g} s")
                        (self._pause or given_up.wait)(pause)
                if given_up.is_set():
                    raise Cancelled(f"cancelled while the pool was away: {failure.message}") from error
                pause = min(2 * pause, LONGEST_PAUSE)

    @contextlib.contextmanager
    def _waited_for(self, given_up: threading.Event) -> Iterator[None]:
        """Inside, `hurry` sets this event; it is set at once where that came before."""
        with self._guard:
            self._waiting.add(given_up)
            if self._hurried:
                given_up.set()
        try:
            yield
        finally:
            with self._guard:
                self._waiting.discard(given_up)

    def _patience(self, error: BaseException) -> float:
        """For how long such an error is worth trying again."""
        fault = fault_of(error)
        if fault is None or not fault.transient:
            return 0.0
        longest = float(self._settings.retry_for)
        return min(longest, _BRIEFLY) if fault in (LOST, FAULTS[4060]) else longest

    def _connect(self) -> mssql_python.Connection:
        if self._tokens is None:
            return self._log_in({})
        try:
            return self._log_in(self._tokens.attributes())
        except driver_errors() as error:
            if fault_of(error) is not LOGIN:
                raise
            self._tokens.forget()  # it may have been revoked, or the clocks differ: one new token decides
            return self._log_in(self._tokens.attributes())

    def _log_in(self, attributes: Mapping[int, int | str | bytes]) -> mssql_python.Connection:
        import mssql_python

        with trusting(self._ca):
            return mssql_python.connect(
                connection_string(self._settings),
                autocommit=True,
                timeout=self._settings.connect_timeout,
                attrs_before=dict(attributes),
            )

    def _prepared(self, opened: mssql_python.Connection) -> mssql_python.Connection:
        try:
            self._check_edition(opened)
            self._pin(opened)
        except BaseException:
            opened.close()
            raise
        return opened

    def _pin(self, opened: mssql_python.Connection) -> None:
        with opened.cursor() as cursor:
            cursor.execute("\n".join(AzureDialect.session_settings))
        opened.timeout = math.ceil(self._timeout or 0)

    def _check_edition(self, opened: Any) -> None:
        """Hold that it is a dedicated SQL pool, whatever its name looks like. Raises SourceError."""
        if self._edition is None:
            with opened.cursor() as cursor:
                cursor.execute("SELECT CAST(SERVERPROPERTY('EngineEdition') AS INT) AS edition")
                self._edition = int(cursor.fetchone()[0])
        if self._edition != _DEDICATED_POOL:
            edition, self._edition = self._edition, None
            what = _EDITIONS.get(edition, f"SQL Server (engine edition {edition})")
            raise SourceError(
                f"{self._settings.database} on {self._settings.hostname} is {what}, not a dedicated SQL pool",
                hint="Name the host and the pool of a dedicated SQL pool (or of one that was SQL DW).",
                code="source_edition",
            )

    @property
    def private_authority(self) -> Path | None:
        """The file of `tls.ca`, if any."""
        return self._ca


def _say(text: str) -> None:
    """A warning for whoever waits; it goes to standard error."""
    import logging

    logging.getLogger(__name__).warning("%s", text)


_loading = threading.Lock()


def load_driver() -> None:
    """Import Microsoft's driver, and keep it from sharing connections behind our back."""
    import mssql_python

    with _loading:
        mssql_python.pooling(enabled=False)


class _Trust:
    """Whom the driver trusts now. Logins with the same authorities go side by side, others wait for each other."""

    VARIABLE = "SSL_CERT_FILE"

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._logins = 0
        self._ca: Path | None = None
        self._before: str | None = None

    def enter(self, ca: Path | None) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._logins or self._ca == ca)
            if not self._logins and ca is not None:
                self._before = os.environ.get(self.VARIABLE)
                os.environ[self.VARIABLE] = str(ca)
            self._ca = ca
            self._logins += 1

    def leave(self) -> None:
        with self._changed:
            self._logins -= 1
            if not self._logins and self._ca is not None:
                if self._before is None:
                    del os.environ[self.VARIABLE]
                else:
                    os.environ[self.VARIABLE] = self._before
            self._changed.notify_all()


_trust = _Trust()


@contextlib.contextmanager
def trusting(ca: Path | None) -> Iterator[None]:
    """Inside, the driver trusts this authority instead of the system's.

    It has no setting for that (`ServerCertificate` counts only with TDS 8, which a pool need not speak), but its
    OpenSSL reads a variable at each login. Logins of other sources wait, so that none trusts it by accident.
    """
    _trust.enter(ca)
    try:
        yield
    finally:
        _trust.leave()
