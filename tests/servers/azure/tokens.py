"""The tokens of a server's answer (MS-TDS 2.2.7)."""

from __future__ import annotations

import struct

LATIN1_CI_AS = bytes((0x09, 0x04, 0xD0, 0x00, 0x34))
"""SQL_Latin1_General_CP1_CI_AS, a pool's default collation."""

DONE_FINAL, DONE_MORE, DONE_ERROR, DONE_COUNT, DONE_ATTENTION = 0, 1, 2, 0x10, 0x20
SELECT = 0xC1
COMMANDS = {"SELECT": SELECT, "INSERT": 0xC3, "DELETE": 0xC4, "UPDATE": 0xC5, "MERGE": 0x117}
"""What a DONE says that it ends; clients take the count of a change from it."""

TDS74 = 0x74000004
TDS80 = 0x08000000
_SERVER = "tailrace-stand-in"


def short_text(text: str) -> bytes:
    """Text with its length in one byte."""
    return bytes((len(text.encode("utf-16-le")) // 2,)) + text.encode("utf-16-le")


def text(value: str) -> bytes:
    """Text with its length in two bytes."""
    encoded = value.encode("utf-16-le")
    return struct.pack("<H", len(encoded) // 2) + encoded


def message(number: int, words: str, severity: int, state: int = 1, line: int = 1) -> bytes:
    """ERROR, or INFO for a severity of 10 and less."""
    body = struct.pack("<iBB", number, state, severity) + text(words[:4000])
    body += short_text(_SERVER) + short_text("") + struct.pack("<i", line)
    return struct.pack("<BH", 0xAA if severity > 10 else 0xAB, len(body)) + body


def _change(kind: int, new: bytes, old: bytes) -> bytes:
    body = bytes((kind,)) + new + old
    return struct.pack("<BH", 0xE3, len(body)) + body


def database_changed(new: str, old: str) -> bytes:
    return _change(1, short_text(new), short_text(old))


def packet_size_changed(new: int, old: int) -> bytes:
    return _change(4, short_text(str(new)), short_text(str(old)))


def collation_set() -> bytes:
    return _change(7, bytes((5,)) + LATIN1_CI_AS, b"\0")


def transaction_begun(descriptor: int) -> bytes:
    return _change(8, b"\x08" + struct.pack("<Q", descriptor), b"\0")


def transaction_ended(descriptor: int, committed: bool) -> bytes:
    return _change(9 if committed else 10, b"\0", b"\x08" + struct.pack("<Q", descriptor))


def session_reset() -> bytes:
    return _change(18, b"\0", b"\0")


def login_accepted(strict: bool, packet_size: int, database: str, federated: bool) -> bytes:
    """All that follows a good LOGIN7."""
    body = b"\x01" + struct.pack(">I", TDS80 if strict else TDS74)
    body += short_text("Microsoft SQL Server") + bytes((10, 0, 0x5D, 0x4E))
    accepted = struct.pack("<BH", 0xAD, len(body)) + body
    language = _change(2, short_text("us_english"), short_text(""))
    features = b"\xae\x02\0\0\0\0\xff" if federated else b""
    changed = message(5701, f"Changed database context to '{database}'.", 10, 2)
    return (
        database_changed(database, "master")
        + changed
        + collation_set()
        + language
        + accepted
        + packet_size_changed(packet_size, 4096)
        + features
        + done()
    )


def done(status: int = DONE_FINAL, count: int | None = None, kind: int = 0xFD, command: int = 0) -> bytes:
    """DONE (0xFD), DONEPROC (0xFE) or DONEINPROC (0xFF)."""
    if count is not None:
        status |= DONE_COUNT
    return struct.pack("<BHHQ", kind, status, command, count or 0)


DONE, DONE_PROC, DONE_IN_PROC = 0xFD, 0xFE, 0xFF


def return_status(value: int) -> bytes:
    return struct.pack("<Bi", 0x79, value)


def return_int(name: str, value: int | None, ordinal: int = 0) -> bytes:
    """RETURNVALUE of an integer output parameter (a prepared statement's handle)."""
    data = b"\0" if value is None else struct.pack("<Bi", 4, value)
    return (
        b"\xac"
        + struct.pack("<H", ordinal)
        + short_text(name)
        + struct.pack("<BIH", 1, 0, 0)
        + b"\x26\x04"
        + data
    )
