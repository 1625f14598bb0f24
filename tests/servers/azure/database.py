"""One pool: its data in a DuckDB of its own, and what its sessions share."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from tests.servers.azure.catalog import Catalog, Schema, Table
from tests.servers.azure.grants import Grants
from tests.servers.azure.locks import Locks, Slots

MACROS = (Path(__file__).parent / "macros.sql").read_text()
_SETTINGS = (
    "SET GLOBAL default_collation = 'NOCASE'",
    "SET GLOBAL default_null_order = 'nulls_first_on_asc_last_on_desc'",
    "SET GLOBAL TimeZone = 'UTC'",
    "SET GLOBAL disabled_optimizers = 'statistics_propagation'",  # it answers what a pool would compute for hours
)


def _float_text(value: float, style: int) -> str:
    """A float as CONVERT spells it: style 3 keeps all digits, 0 six of them."""
    if style == 0:
        text = f"{value:.6g}"
        if "e" not in text:
            return text
        digits, _, power = text.partition("e")
        return f"{digits}e{power[0]}{int(power[1:]):03d}"
    digits, _, power = f"{value:.{ {1: 7, 2: 15, 3: 16}[style] }e}".partition("e")
    return f"{digits}e{power[0]}{int(power[1:]):03d}"


def _sha2_256_wide(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-16-le", "surrogatepass")).digest()


@dataclass
class Request:
    """A statement as sys.dm_pdw_exec_requests shows it."""

    id: str
    session: int
    command: str
    label: str | None
    submitted: datetime
    status: str = "Running"
    ended: datetime | None = None
    error: str | None = None


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class Undo:
    """A table as it was before a transaction changed it."""

    table: Table
    copy: str


class Database:
    """A database of the server."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.duck = duckdb.connect(":memory:", config={"threads": "2"})
        for setting in _SETTINGS:
            self.duck.execute(setting)
        self._functions()
        for statement in MACROS.split(";\n"):
            if statement.strip():
                self.duck.execute(statement)
        self.duck.execute("CREATE SCHEMA dbo; CREATE SCHEMA __undo")
        self.catalog = Catalog()
        self.grants = Grants(name, self.catalog)
        self.locks = Locks()
        self.slots = Slots(4)
        self.changing = threading.RLock()
        self.snapshot_reads = False
        self.compatibility = "AUTO"
        self.undo: dict[int, Undo] = {}
        self.statements: list[str] = []
        self.requests: deque[Request] = deque(maxlen=10_000)
        self.batches: dict[str, Any] = {}
        self.translations: dict[Any, Any] = {}
        self._numbers = itertools.count(1)
        self._opening = threading.Lock()

    def _functions(self) -> None:
        make = self.duck.create_function
        make("_py_utf16", lambda text: text.encode("utf-16-le", "surrogatepass"), ["VARCHAR"], "BLOB")
        make("_py_sha2_256_wide", _sha2_256_wide, ["VARCHAR"], "BLOB")
        make("_py_cp1252", lambda text: text.encode("cp1252", "replace"), ["VARCHAR"], "BLOB")
        make("_py_blob_text", lambda data: data.decode("cp1252", "replace"), ["BLOB"], "VARCHAR")
        make("_py_float", _float_text, ["DOUBLE", "INTEGER"], "VARCHAR")

    def connection(self) -> duckdb.DuckDBPyConnection:
        """A connection of the engine for one session."""
        with self._opening:
            return self.duck.cursor()

    def begin_request(self, session: int, command: str, label: str | None) -> Request:
        request = Request(f"QID{next(self._numbers)}", session, command, label, now())
        self.requests.append(request)
        return request

    def create_schema(self, name: str, owner: str) -> None:
        with self.connection() as duck:
            duck.execute(f'CREATE SCHEMA "{name}"')
        self.catalog.schemas[name.lower()] = Schema(name, owner)

    def close(self) -> None:
        with self._opening:
            self.duck.close()
