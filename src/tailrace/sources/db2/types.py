"""Db2's types: what the driver's description of a column means, and which logical kind it is."""

from __future__ import annotations

import re

from tailrace.columns import Kind
from tailrace.sources.db2.wire import Field

LONGEST = 32_672
"""Bytes in the longest VARCHAR (https://www.ibm.com/docs/en/db2/11.5?topic=sql-xml-limits)."""

DIGITS = 31
"""Digits in the longest DECIMAL."""

_KINDS = {
    "BOOLEAN": Kind.BOOL,
    "SMALLINT": Kind.INT,
    "INTEGER": Kind.INT,
    "BIGINT": Kind.INT,
    "DECIMAL": Kind.DECIMAL,
    "NUMERIC": Kind.DECIMAL,
    "DECFLOAT": Kind.DECIMAL,
    "REAL": Kind.FLOAT,
    "DOUBLE": Kind.FLOAT,
    "CHAR": Kind.TEXT,
    "CHARACTER": Kind.TEXT,
    "VARCHAR": Kind.TEXT,
    "LONG VARCHAR": Kind.TEXT,
    "CLOB": Kind.TEXT,
    "GRAPHIC": Kind.TEXT,
    "VARGRAPHIC": Kind.TEXT,
    "DBCLOB": Kind.TEXT,
    "XML": Kind.TEXT,
    "CHAR FOR BIT DATA": Kind.BYTES,
    "VARCHAR FOR BIT DATA": Kind.BYTES,
    "BINARY": Kind.BYTES,
    "VARBINARY": Kind.BYTES,
    "BLOB": Kind.BYTES,
    "DATE": Kind.DATE,
    "TIME": Kind.TIME,
    "TIMESTAMP": Kind.TIMESTAMP,
}
_SIZE = re.compile(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")


def bare(native: str) -> str:
    """A type's name in upper case, without its sizes."""
    return " ".join(_SIZE.sub(" ", native.upper()).split())


def sizes(native: str) -> tuple[int, int]:
    """A type's length or precision, and its scale; 0 where it has none."""
    match = _SIZE.search(native)
    return (int(match[1]), int(match[2] or 0)) if match else (0, 0)


def kind_of(native: str) -> Kind:
    """The logical kind of a type; OTHER where it has none."""
    return _KINDS.get(bare(native), Kind.OTHER)


def native_of(field: Field) -> str:
    """The type of a result's column. The driver does not tell CHAR from VARCHAR, nor text of two bytes from bytes:
    see `texts`."""
    match field.sort:
        case "int" if field.display == 1:
            return "BOOLEAN"
        case "int":
            return "SMALLINT" if field.display <= 6 else "INTEGER"
        case "real":
            return _real(field)
        case "decimal":
            return f"DECIMAL({field.precision},{field.scale})"
        case "string":
            if field.display == 2 * field.width > 0:
                return f"VARCHAR({field.width}) FOR BIT DATA"
            return f"VARCHAR({field.width})"
        case "timestamp" if field.scale != 6:
            return f"TIMESTAMP({field.scale})"
        case "clob" | "dbclob" | "blob":
            return f"{field.sort.upper()}({field.width})"
        case other:
            return other.upper()


def _real(field: Field) -> str:
    if field.precision in (16, 34):
        return "DECFLOAT"
    return "REAL" if field.display <= 14 else "DOUBLE"
