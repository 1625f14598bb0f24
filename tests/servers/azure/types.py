"""T-SQL types: their names, how they are described on the wire, and how a value is written and read there."""

from __future__ import annotations

import re
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from typing import Any

from tests.servers.azure.tokens import LATIN1_CI_AS

MAX = -1
DAY_ONE = date(1, 1, 1)
TEXTS = ("varchar", "nvarchar", "char", "nchar")
_INTEGERS = {"tinyint": 1, "smallint": 2, "int": 4, "bigint": 8}
_SCALED = {"datetime2": 0x2A, "datetimeoffset": 0x2B, "time": 0x29}
_LENGTHS = {"varchar": 0xA7, "nvarchar": 0xE7, "char": 0xAF, "nchar": 0xEF, "varbinary": 0xA5, "binary": 0xAD}
_SYNONYMS = {
    "integer": "int",
    "numeric": "decimal",
    "dec": "decimal",
    "double precision": "float",
    "character varying": "varchar",
    "character": "char",
    "national character varying": "nvarchar",
    "sysname": "nvarchar",
}
_NAME = re.compile(r"\s*\[?([a-z_0-9 ]+?)\]?\s*(?:\(\s*(max|\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*$", re.I)


class UnknownType(Exception):
    """A type that a dedicated pool does not have."""


@dataclass(frozen=True)
class SqlType:
    """A type as it was declared; `length` in characters or bytes, MAX for `(max)`."""

    name: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    binary_collation: bool = False
    nullable: bool = True

    def __str__(self) -> str:
        if self.name in _LENGTHS:
            return f"{self.name}({'max' if self.length == MAX else self.length})"
        if self.name == "decimal":
            return f"decimal({self.precision},{self.scale})"
        return f"{self.name}({self.scale})" if self.name in _SCALED else self.name

    @property
    def is_text(self) -> bool:
        return self.name in TEXTS

    def described(self) -> bytes:
        """TYPE_INFO (MS-TDS 2.2.5.6)."""
        name = self.name
        if name in _INTEGERS:
            return bytes((0x26, _INTEGERS[name]))
        if name in _LENGTHS:
            size = 2 * self.length if name in ("nvarchar", "nchar") else self.length
            head = struct.pack("<BH", _LENGTHS[name], 0xFFFF if self.length == MAX else max(size, 1))
            return head + LATIN1_CI_AS if self.is_text else head
        if name in _SCALED:
            return bytes((_SCALED[name], self.scale))
        if name == "decimal":
            return bytes((0x6A, 17, self.precision, self.scale))
        return {
            "bit": b"\x68\x01",
            "float": b"\x6d\x08",
            "real": b"\x6d\x04",
            "money": b"\x6e\x08",
            "smallmoney": b"\x6e\x04",
            "datetime": b"\x6f\x08",
            "smalldatetime": b"\x6f\x04",
            "date": b"\x28",
            "uniqueidentifier": b"\x24\x10",
        }[name]

    def null(self) -> bytes:
        """NULL in a ROW."""
        if self.length == MAX:
            return b"\xff" * 8
        return b"\xff\xff" if self.name in _LENGTHS else b"\0"

    def writer(self) -> Callable[[Any], bytes]:
        """What writes a value that is not NULL."""
        name = self.name
        if name in _INTEGERS:
            size = _INTEGERS[name]
            pack = struct.Struct({1: "<BB", 2: "<Bh", 4: "<Bi", 8: "<Bq"}[size]).pack
            return lambda value: pack(size, value)
        if name in _LENGTHS:
            return self._long_writer() if self.length == MAX else self._short_writer()
        if name in ("float", "real"):
            pack = struct.Struct("<Bd" if name == "float" else "<Bf").pack
            size = 8 if name == "float" else 4
            return lambda value: pack(size, value)
        return {
            "bit": {True: b"\x01\x01", False: b"\x01\0"}.__getitem__,
            "decimal": lambda value: _decimal(value, self.scale),
            "money": _money,
            "smallmoney": lambda value: struct.pack("<Bi", 4, int(value * 10_000)),
            "datetime": _datetime,
            "smalldatetime": _smalldatetime,
            "date": lambda value: b"\x03" + _days(value),
            "uniqueidentifier": lambda value: b"\x10" + uuid.UUID(str(value)).bytes_le,
            "time": lambda value: _sized(_clock(value, self.scale)),
            "datetime2": _datetime2(self.scale),
            "datetimeoffset": lambda value: _sized(_instant(value, self.scale)),
        }[name]

    def _encoder(self) -> Callable[[Any], bytes]:
        if self.name in ("nvarchar", "nchar"):
            return lambda value: value.encode("utf-16-le", "surrogatepass")
        if self.name in ("varchar", "char"):
            return lambda value: value.encode("cp1252", "replace")
        return bytes

    def _short_writer(self) -> Callable[[Any], bytes]:
        encode, pack = self._encoder(), struct.Struct("<H").pack
        limit = 2 * self.length if self.name in ("nvarchar", "nchar") else self.length
        if self.name in ("char", "nchar"):
            return lambda value: pack(limit) + encode(value.ljust(self.length)[: self.length])
        if self.name == "binary":
            return lambda value: pack(limit) + value.ljust(limit, b"\0")[:limit]

        def write(value: Any) -> bytes:
            encoded = encode(value)[:limit]
            return pack(len(encoded)) + encoded

        return write

    def _long_writer(self) -> Callable[[Any], bytes]:
        encode = self._encoder()

        def write(value: Any) -> bytes:
            encoded = encode(value)
            if not encoded:
                return bytes(12)
            return struct.pack("<QI", len(encoded), len(encoded)) + encoded + bytes(4)

        return write


def parse_type(text: str, default_length: int = 1) -> SqlType:
    """A type by its name in SQL; a length that is left out is 1 in a declaration and 30 in a CAST."""
    found = _NAME.match(text)
    name = _SYNONYMS.get(found[1].lower(), found[1].lower()) if found else ""
    first, second = (found[2], found[3]) if found else (None, None)
    if found and found[1].lower() == "sysname":
        return SqlType("nvarchar", 128)
    if name in _LENGTHS:
        length = MAX if first and first.lower() == "max" else int(first or default_length)
        top = 4000 if name in ("nvarchar", "nchar") else 8000
        if length > top or length == 0 or (length == MAX and name in ("char", "nchar", "binary")):
            raise UnknownType(text)
        return SqlType(name, length)
    if name == "decimal":
        precision, scale = int(first or 18), int(second or 0)
        if not 1 <= precision <= 38 or scale > precision:
            raise UnknownType(text)
        return SqlType(name, precision=precision, scale=scale)
    if name == "float":
        return SqlType("real" if first and int(first) <= 24 else "float")
    if name in _SCALED:
        scale = int(first) if first else 7
        if scale > 7:
            raise UnknownType(text)
        return SqlType(name, scale=scale)
    if name in _INTEGERS or name in (
        "bit", "real", "money", "smallmoney", "datetime", "smalldatetime", "date", "uniqueidentifier",
    ):  # fmt: skip
        return SqlType(name)
    raise UnknownType(text)


def duckdb_type(kind: SqlType) -> str:
    """Where the engine keeps such a value."""
    if kind.is_text:
        return "VARCHAR"
    if kind.name == "decimal":
        return f"DECIMAL({kind.precision},{kind.scale})"
    return {
        "tinyint": "UTINYINT",
        "smallint": "SMALLINT",
        "int": "INTEGER",
        "bigint": "BIGINT",
        "bit": "BOOLEAN",
        "float": "DOUBLE",
        "real": "FLOAT",
        "money": "DECIMAL(19,4)",
        "smallmoney": "DECIMAL(10,4)",
        "varbinary": "BLOB",
        "binary": "BLOB",
        "date": "DATE",
        "time": "TIME",
        "datetimeoffset": "TIMESTAMPTZ",
        "uniqueidentifier": "UUID",
    }.get(kind.name, "TIMESTAMP")


_FROM_DUCKDB = {
    "BOOLEAN": SqlType("bit"),
    "TINYINT": SqlType("smallint"),
    "UTINYINT": SqlType("tinyint"),
    "SMALLINT": SqlType("smallint"),
    "USMALLINT": SqlType("int"),
    "INTEGER": SqlType("int"),
    "UINTEGER": SqlType("bigint"),
    "BIGINT": SqlType("bigint"),
    "UBIGINT": SqlType("decimal", precision=20),
    "HUGEINT": SqlType("decimal", precision=38),
    "FLOAT": SqlType("real"),
    "DOUBLE": SqlType("float"),
    "BLOB": SqlType("varbinary", 8000),
    "DATE": SqlType("date"),
    "TIME": SqlType("time", scale=7),
    "TIMESTAMP": SqlType("datetime2", scale=7),
    "TIMESTAMP WITH TIME ZONE": SqlType("datetimeoffset", scale=7),
    "UUID": SqlType("uniqueidentifier"),
    '"NULL"': SqlType("int"),
    "NULL": SqlType("int"),
}


def from_duckdb(native: str) -> SqlType:
    """The type of an engine's value of which nothing else is known."""
    if native.startswith("DECIMAL"):
        precision, scale = re.findall(r"\d+", native)
        return SqlType("decimal", precision=int(precision), scale=int(scale))
    return _FROM_DUCKDB.get(native, SqlType("nvarchar", 4000))


def as_nullable(kind: SqlType, nullable: bool) -> SqlType:
    return kind if kind.nullable == nullable else replace(kind, nullable=nullable)


_SIZES = {
    "uniqueidentifier": (16, 0, 0), "date": (3, 10, 0), "tinyint": (1, 3, 0), "smallint": (2, 5, 0), "int": (4, 10, 0),
    "smalldatetime": (4, 16, 0), "real": (4, 24, 0), "money": (8, 19, 4), "datetime": (8, 23, 3), "float": (8, 53, 0),
    "bit": (1, 1, 0), "smallmoney": (4, 10, 4), "bigint": (8, 19, 0),
}  # fmt: skip


def sizes(kind: SqlType) -> tuple[int, int, int]:
    """max_length, precision and scale as sys.columns has them."""
    if kind.name in _SIZES:
        return _SIZES[kind.name]
    if kind.name == "decimal":
        return (5 if kind.precision < 10 else 9 if kind.precision < 20 else 13 if kind.precision < 29 else 17,
                kind.precision, kind.scale)  # fmt: skip
    if kind.name in ("datetime2", "datetimeoffset", "time"):
        return 8, 20 + kind.scale, kind.scale
    if kind.length == MAX:
        return -1, 0, 0
    return kind.length * (2 if kind.name in ("nvarchar", "nchar") else 1), 0, 0


# -- values


def _sized(data: bytes) -> bytes:
    return bytes((len(data),)) + data


_EXACT = Context(prec=80)


def _decimal(value: Any, scale: int) -> bytes:
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    whole = int(_EXACT.scaleb(number, scale))
    return (b"\x11\x01" if whole >= 0 else b"\x11\0") + abs(whole).to_bytes(16, "little")


def _money(value: Any) -> bytes:
    units = int(Decimal(str(value)) * 10_000)
    return b"\x08" + struct.pack("<iI", units >> 32, units & 0xFFFFFFFF)


def _days(value: Any) -> bytes:
    day = value.date() if isinstance(value, datetime) else value
    return (day - DAY_ONE).days.to_bytes(3, "little")


def _clock(value: time | datetime, scale: int) -> bytes:
    """The time of day in units of 10**-scale seconds."""
    micros = ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
    units = micros * 10 ** (scale - 6) if scale >= 6 else micros // 10 ** (6 - scale)
    return units.to_bytes(3 if scale <= 2 else 4 if scale <= 4 else 5, "little")


def _datetime2(scale: int) -> Callable[[datetime], bytes]:
    """What writes a date with time: the clock in units of 10**-scale seconds, then the day."""
    size = 3 if scale <= 2 else 4 if scale <= 4 else 5
    head, start = bytes((size + 3,)), datetime(1, 1, 1)
    times, over = 10 ** max(scale - 6, 0), 10 ** max(6 - scale, 0)

    def write(value: datetime) -> bytes:
        since = value - start
        units = (since.seconds * 1_000_000 + since.microseconds) * times // over
        return head + units.to_bytes(size, "little") + since.days.to_bytes(3, "little")

    return write


def _instant(value: datetime, scale: int) -> bytes:
    """A time with offset: the clock in UTC, and the minutes of its offset."""
    utc = value.astimezone(UTC)
    offset = value.utcoffset() or timedelta()
    return _clock(utc, scale) + _days(utc) + struct.pack("<h", int(offset.total_seconds() // 60))


def _datetime(value: datetime) -> bytes:
    since = value - datetime(1900, 1, 1)
    ticks = round((since.seconds + since.microseconds / 1e6) * 300)
    return struct.pack("<Bii", 8, since.days + ticks // 25_920_000, ticks % 25_920_000)


def _smalldatetime(value: datetime) -> bytes:
    since = value - datetime(1900, 1, 1)
    return struct.pack("<BHH", 4, since.days, round(since.seconds / 60))
