"""Results of types that Derby lacks, as Db2 sends them: they show what IBM's driver makes of such a column.

Descriptions and rows are FD:OCA (https://pubs.opengroup.org/onlinepubs/9699939399/, big-endian): a column has an
SQLTYPE in the description of a statement (SQLDARD), and a type (LID) and length in that of a result (QRYDSC).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.servers.db2 import relay
from tests.servers.db2.relay import Command
from tests.servers.db2.sqlca import Sqlca
from tests.servers.db2.wire import OBJECT, Frame, frame, join

QRYPRCTYP = 0x2102
_BLOCKS = bytes.fromhex("2417")
_UTF_16, _UTF_8 = 1200, 1208
_NONE = b"\xff"


@dataclass(frozen=True)
class Column:
    """A column that may be NULL; lengths are in the units of its type."""

    name: str
    sql_type: int
    lid: int
    length: int
    ccsid: int = 0
    precision: int = 0
    scale: int = 0


def integer(name: str) -> Column:
    return Column(name, 497, 0x03, 4)


def boolean(name: str) -> Column:
    return Column(name, 2437, 0xBF, 2)


def decfloat(name: str, digits: int) -> Column:
    return Column(name, 997, 0xBB, 8 if digits == 16 else 16, precision=digits)


def timestamp(name: str, digits: int) -> Column:
    return Column(name, 393, 0x25, 20 + digits, scale=digits)


def varchar(name: str, length: int) -> Column:
    return Column(name, 449, 0x3F, length, _UTF_8)


def graphic(name: str, length: int) -> Column:
    return Column(name, 469, 0x37, length, _UTF_16)


def vargraphic(name: str, length: int) -> Column:
    return Column(name, 465, 0x39, length, _UTF_16)


def binary(name: str, length: int) -> Column:
    return Column(name, 913, 0xC1, length)


def varbinary(name: str, length: int) -> Column:
    return Column(name, 909, 0xC3, length)


def clob(name: str, length: int) -> Column:
    return Column(name, 409, 0xCF, length, _UTF_8)


def dbclob(name: str, length: int) -> Column:
    return Column(name, 413, 0xCD, length, _UTF_16)


def blob(name: str, length: int) -> Column:
    return Column(name, 405, 0xC9, length)


def xml(name: str) -> Column:
    return Column(name, 989, 0xC5, 0)


@dataclass(frozen=True)
class Result:
    """What a query gives whose text `matching` (a regular expression) finds; a row has bytes as they are sent."""

    matching: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[bytes | None]]

    def fits(self, text: str) -> bool:
        return re.search(self.matching, text, re.IGNORECASE | re.DOTALL) is not None

    def answers(self, command: Command) -> list[Frame]:
        """The answers to a command about this query. Raises KeyError for one that it cannot have."""
        return {
            relay.PRPSQLSTT: self._described,
            relay.DSCSQLSTT: self._described,
            relay.OPNQRY: self._opened,
        }[command.code](command)

    def _described(self, command: Command) -> list[Frame]:
        head = b"\0\0\1" + bytes(16) + len(self.columns).to_bytes(2, "big")
        columns = b"".join(map(_description, self.columns))
        return [_object(command, relay.SQLDARD, Sqlca(0, "00000", b"").encode() + head + columns)]

    def _opened(self, command: Command) -> list[Frame]:
        types = b"".join(bytes([c.lid]) + c.length.to_bytes(2, "big") for c in self.columns)
        group = bytes([len(types) + 3]) + b"\x76\xd0" + types
        rows = b"".join(b"\xff\0" + b"".join(map(_value, row)) for row in self.rows)
        opened = relay.reply(
            command,
            relay.OPNQRYRM,
            (relay.SVRCOD, b"\0\0"),
            (QRYPRCTYP, _BLOCKS),
            (relay.SQLCSRHLD, b"\xf1"),
            (relay.QRYINSID, bytes(8)),
        )
        row_and_card = bytes.fromhex("0971e0540001d000010671f0e00000")
        ended = relay.reply(command, relay.ENDQRYRM, (relay.SVRCOD, b"\0\4"))
        return [
            opened,
            _object(command, relay.QRYDSC, group + row_and_card),
            _object(command, relay.QRYDTA, rows),
            ended,
            relay.card(command, Sqlca(100, "02000", b"")),
        ]


def _object(command: Command, code: int, content: bytes) -> Frame:
    return frame(OBJECT, command.correlation, join(code, content))


def _description(column: Column) -> bytes:
    """SQLDAGRP: type, then name, then neither a distinct type nor an origin."""
    name = column.name.encode()
    return (
        column.precision.to_bytes(2, "big")
        + column.scale.to_bytes(2, "big")
        + column.length.to_bytes(8, "big")
        + column.sql_type.to_bytes(2, "big")
        + column.ccsid.to_bytes(2, "big")
        + bytes(5)
        + len(name).to_bytes(2, "big")
        + name
        + bytes(8)
        + _NONE
        + _NONE
    )


def _value(value: bytes | None) -> bytes:
    return _NONE if value is None else b"\0" + value
