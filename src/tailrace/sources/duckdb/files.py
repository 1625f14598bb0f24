"""Which DuckDB files this process has open, and for how long.

A DuckDB file that one process writes is closed to every other, readers included. So the state file is
open only while a session lasts, the user's file only while a session reads models, and both are shared by
the threads of this process. Whoever finds a file locked waits and tries again.
"""

from __future__ import annotations

import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace.clock import Clock, SystemClock
from tailrace.errors import Cancelled, SourceError, TailraceError
from tailrace.sources.duckdb.engine import Engine, borrow, give_back
from tailrace.sources.duckdb.errors import in_use, is_lock_conflict, lock_error, raise_ours

if TYPE_CHECKING:
    import duckdb

STATE_CATALOG = "tailrace_state"
"""The name under which the state file is attached: managed tables are qualified with it."""

_RESERVED = {"memory", "system", "temp", "main", STATE_CATALOG}
_FIRST_WAIT, _LONGEST_WAIT = 0.02, 1.0
_HURRIED = 5.0
"""Longer than the commits of other syncs hold the state file, so that one that is cancelled can still commit."""


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one DuckDB source, and how to open them."""

    data: Path
    state: Path
    spill: Path
    folder: Path
    memory_limit: str
    threads: int

    @property
    def data_catalog(self) -> str:
        """The user's database in SQL, named as DuckDB itself would, so that `shop.main.t` works."""
        return f"{self.data.stem}_data" if self.data.stem.lower() in _RESERVED else self.data.stem


@dataclass(slots=True)
class _Open:
    connection: duckdb.DuckDBPyConnection
    engine: Engine | None
    """What to keep it as; None for one that a model was read with, which may hold much memory."""
    created: bool
    users: int = 0
    models: int = 0


@dataclass(slots=True)
class Patience:
    """How long to wait for a lock; time and sleep are passed in."""

    seconds: float = 30.0
    clock: Clock = field(default_factory=SystemClock)
    sleep: Callable[[float], None] = time.sleep
    hurried: int = 0
    """How often somebody wanted an end: once, models are waited for no more, and the state, for what is to be kept,
    only briefly; twice, neither is."""

    def left(self, since: float, *, model: bool) -> float:
        """Seconds to wait on, for who began to wait then."""
        if self.hurried > 1 or (self.hurried and model):
            return 0.0
        seconds = min(_HURRIED, self.seconds) if self.hurried else self.seconds
        return seconds - (self.clock.monotonic() - since)

    def given_up(self, failure: SourceError, *, model: bool) -> TailraceError:
        """What to raise when no time is left; who wants an end waits for the state no second time."""
        if not self.hurried:
            return failure
        if not model:
            self.hurried += 1
        hint = "Run it again when that process has ended: a sync goes on where it stopped."
        return Cancelled(f"cancelled: {failure.message}", hint=hint)


_log = logging.getLogger(__name__)
_open: dict[Path, _Open] = {}
_lock = threading.Lock()


@contextlib.contextmanager
def opened(files: Files, *, model: bool, patience: Patience) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of one's own; the last user closes the files.

    Raises SourceError, `source_locked` too, and Cancelled where the wait for a lock was hurried.
    """
    started, wait = patience.clock.monotonic(), _FIRST_WAIT
    while True:
        try:
            with _lock:
                connection = _enter(files, model)
            break
        except SourceError:
            raise
        except Exception as error:
            if not is_lock_conflict(error):
                raise_ours(error)
            left = patience.left(started, model=model)
            if left < _FIRST_WAIT:
                failure = lock_error(_file_of(files, error), error, patience.clock.monotonic() - started)
                raise patience.given_up(failure, model=model) from None
            patience.sleep(min(wait * random.uniform(0.5, 1.0), left))
            if wait < _LONGEST_WAIT:
                wait = min(wait * 2, _LONGEST_WAIT)
                if wait == _LONGEST_WAIT:
                    _log.warning(
                        "%s: waits up to %.0f s", in_use(_file_of(files, error), error), patience.seconds
                    )
    try:
        yield connection
    finally:
        with _lock:
            connection.close()
            _leave(files, model)


def _file_of(files: Files, error: BaseException) -> Path:
    return files.data if f'"{files.data}"' in str(error) else files.state


def _enter(files: Files, model: bool) -> duckdb.DuckDBPyConnection:
    entry = _open.get(files.state)
    if entry is None:
        entry = _open_state(files, model)
    try:
        if model and entry.models == 0:
            _attach_data(files, entry)
        connection = entry.connection.cursor()
    except BaseException:
        if entry.users == 0:
            _close_state(files, entry)
        raise
    _open[files.state] = entry
    entry.users += 1
    entry.models += model
    if model:
        connection.execute(f"USE {_quoted(files.data_catalog)}")
    return connection


def _open_state(files: Files, model: bool) -> _Open:
    if not files.state.parent.is_dir():
        raise SourceError(
            f"the folder {files.state.parent} for the state file does not exist",
            hint="Create it, or set the source's `state_path`.",
            code="source_missing",
        )
    engine = Engine(files.memory_limit, files.threads, files.spill, files.folder)
    connection = engine.make() if model else borrow(engine)
    try:
        created = not files.state.exists()
        connection.execute(f"ATTACH {_literal(files.state)} AS {STATE_CATALOG}")
    except BaseException:
        connection.close()
        raise
    return _Open(connection, None if model else engine, created)


def _attach_data(files: Files, entry: _Open) -> None:
    if not files.data.is_file():
        raise SourceError(
            f"there is no DuckDB file {files.data}",
            hint="Check the source's `path`; Tailrace never creates it.",
            code="source_missing",
        )
    entry.connection.execute(f"ATTACH {_literal(files.data)} AS {_quoted(files.data_catalog)} (READ_ONLY)")
    entry.engine = None


def _leave(files: Files, model: bool) -> None:
    entry = _open[files.state]
    entry.users -= 1
    entry.models -= model
    if model and entry.models == 0:
        entry.connection.execute(f"DETACH {_quoted(files.data_catalog)}")
    if entry.users == 0:
        del _open[files.state]
        _close_state(files, entry)


def _close_state(files: Files, entry: _Open) -> None:
    """Close the state file. One that we made and that is still empty is removed while we hold its lock."""
    kept = False
    try:
        if entry.created:
            found = entry.connection.execute(
                "SELECT count(*) FROM duckdb_schemas() WHERE database_name = ? AND NOT internal",
                [STATE_CATALOG],
            ).fetchone()
            if found == (0,):
                with contextlib.suppress(OSError):
                    files.state.unlink()
        if entry.engine is not None:
            entry.connection.execute(f"DETACH {STATE_CATALOG}")
            give_back(entry.engine, entry.connection)
            kept = True
    except Exception as error:  # DETACH writes the log into the file, for which there may be no room
        raise_ours(error)
    finally:
        if not kept:
            entry.connection.close()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
