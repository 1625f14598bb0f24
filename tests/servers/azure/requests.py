"""What clients ask for after the login: batches, procedure calls with typed parameters, transaction requests."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

from tests.servers.azure.errors import SqlError
from tests.servers.azure.types import DAY_ONE, MAX, SqlType

PROCEDURES = {10: "sp_executesql", 11: "sp_prepare", 12: "sp_execute", 13: "sp_prepexec", 15: "sp_unprepare"}
_FIXED = {0x30: ("tinyint", "<B"), 0x34: ("smallint", "<h"), 0x38: ("int", "<i"), 0x7F: ("bigint", "<q")}
_INT_SIZES = {1: ("tinyint", "<B"), 2: ("smallint", "<h"), 4: ("int", "<i"), 8: ("bigint", "<q")}
_VARIABLE = {
    0xA7: "varchar",
    0xE7: "nvarchar",
    0xAF: "char",
    0xEF: "nchar",
    0xA5: "varbinary",
    0xAD: "binary",
}
_CLOCKS = {0x29: "time", 0x2A: "datetime2", 0x2B: "datetimeoffset"}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a call."""

    name: str
    type: SqlType
    value: Any


@dataclass(frozen=True)
class Call:
    """One remote procedure call."""

    procedure: str
    parameters: list[Parameter] = field(default_factory=list)


def batch_text(data: bytes) -> str:
    """The text of a SQL_BATCH."""
    return _after_headers(data).decode("utf-16-le", "surrogatepass")


def transaction_request(data: bytes) -> tuple[int, bytes]:
    """The kind of a transaction request: 5 begin, 7 commit, 8 rollback; and the rest of it."""
    body = _after_headers(data)
    return struct.unpack_from("<H", body)[0], body[2:]


def _after_headers(data: bytes) -> bytes:
    return data[struct.unpack_from("<I", data)[0] :]


def calls(data: bytes) -> Iterator[Call]:
    """The calls of an RPC message."""
    reader = _Reader(_after_headers(data))
    while reader.more():
        length = reader.number("<H")
        if length == 0xFFFF:
            identifier = reader.number("<H")
            name = PROCEDURES.get(identifier, f"procedure {identifier}")
        else:
            name = reader.take(2 * length).decode("utf-16-le").rpartition(".")[2].strip("[]")
        reader.number("<H")
        parameters = []
        while reader.more() and reader.peek() not in (0xFF, 0xFE, 0x80):
            parameters.append(reader.parameter())
        if reader.more():
            reader.take(1)
        yield Call(name.lower(), parameters)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def more(self) -> bool:
        return self._at < len(self._data)

    def peek(self) -> int:
        return self._data[self._at]

    def take(self, count: int) -> bytes:
        data = self._data[self._at : self._at + count]
        self._at += count
        return data

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def parameter(self) -> Parameter:
        name = self.take(2 * self.number("<B")).decode("utf-16-le")
        self.take(1)
        kind = self.number("<B")
        if kind == 0x1F:
            return Parameter(name, SqlType("nvarchar", 1), None)
        if kind in _FIXED:
            word, form = _FIXED[kind]
            return Parameter(name, SqlType(word), self.number(form))
        if kind in _VARIABLE:
            return Parameter(name, *self._variable(_VARIABLE[kind]))
        if kind in _CLOCKS:
            scale = self.number("<B")
            return Parameter(
                name, SqlType(_CLOCKS[kind], scale=scale), _time(_CLOCKS[kind], scale, self._short())
            )
        if kind == 0x28:
            data = self._short()
            return Parameter(name, SqlType("date"), _day(data) if data else None)
        if kind == 0x24:
            self.take(1)
            data = self._short()
            return Parameter(name, SqlType("uniqueidentifier"), uuid.UUID(bytes_le=data) if data else None)
        if kind in (0x6A, 0x6C):
            _, precision, scale = self.take(3)
            number = _decimal(self._short(), scale)
            return Parameter(name, SqlType("decimal", precision=precision, scale=scale), number)
        if kind in (0x26, 0x68, 0x6D, 0x6E, 0x6F):
            return Parameter(name, *self._sized(kind))
        raise SqlError(104409, "104409;Unsupported parameter type found while parsing RPC request.")

    def _short(self) -> bytes:
        return self.take(self.number("<B"))

    def _sized(self, kind: int) -> tuple[SqlType, Any]:
        size, data = self.number("<B"), self._short()
        if kind == 0x26:
            word, form = _INT_SIZES[size]
            return SqlType(word), struct.unpack(form, data)[0] if data else None
        if kind == 0x68:
            return SqlType("bit"), bool(data[0]) if data else None
        if kind == 0x6D:
            value = struct.unpack("<d" if size == 8 else "<f", data)[0] if data else None
            return SqlType("float" if size == 8 else "real"), value
        if kind == 0x6E:
            if not data:
                return SqlType("money"), None
            high, low = struct.unpack("<iI", data) if len(data) == 8 else (0, struct.unpack("<i", data)[0])
            return SqlType("money"), Decimal((high << 32) + low) / 10_000
        if not data:
            return SqlType("datetime"), None
        days, ticks = struct.unpack("<ii", data) if len(data) == 8 else struct.unpack("<HH", data)
        part = timedelta(seconds=ticks / 300) if len(data) == 8 else timedelta(minutes=ticks)
        return SqlType("datetime"), datetime(1900, 1, 1) + timedelta(days=days) + part

    def _variable(self, word: str) -> tuple[SqlType, Any]:
        size = self.number("<H")
        wide = word in ("nvarchar", "nchar")
        if word not in ("varbinary", "binary"):
            self.take(5)
        data = self._chunks() if size == 0xFFFF else self._plain()
        kind = SqlType(word, MAX if size == 0xFFFF else max(size // (2 if wide else 1), 1))
        if data is None or not kind.is_text:
            return kind, data
        return kind, data.decode("utf-16-le", "surrogatepass") if wide else data.decode("cp1252", "replace")

    def _plain(self) -> bytes | None:
        length = self.number("<H")
        return None if length == 0xFFFF else self.take(length)

    def _chunks(self) -> bytes | None:
        if self.number("<Q") == 0xFFFFFFFFFFFFFFFF:
            return None
        parts = []
        while length := self.number("<I"):
            parts.append(self.take(length))
        return b"".join(parts)


def _day(data: bytes) -> date:
    return DAY_ONE + timedelta(days=int.from_bytes(data, "little"))


def _decimal(data: bytes, scale: int) -> Decimal | None:
    if not data:
        return None
    number = Decimal(int.from_bytes(data[1:], "little")).scaleb(-scale)
    return number if data[0] else -number


def _time(word: str, scale: int, data: bytes) -> Any:
    if not data:
        return None
    size = 3 if scale <= 2 else 4 if scale <= 4 else 5
    units = int.from_bytes(data[:size], "little")
    micros = timedelta(microseconds=units * 10**6 // 10**scale)
    if word == "time":
        return (datetime.min + micros).time()
    moment = datetime.combine(_day(data[size : size + 3]), time()) + micros
    if word == "datetime2":
        return moment
    offset = timezone(timedelta(minutes=struct.unpack("<h", data[size + 3 :])[0]))
    return moment.replace(tzinfo=UTC).astimezone(offset)
