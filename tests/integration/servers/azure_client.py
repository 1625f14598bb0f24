"""Microsoft's driver against the stand-in for a dedicated SQL pool."""

from __future__ import annotations

import struct
from typing import Any

import mssql_python
import pytest
from tests.servers.azure import Pool
from tests.servers.azure.server import ADMINISTRATOR, PASSWORD

mssql_python.pooling(enabled=False)
ACCESS_TOKEN = 1256
"""SQL_COPT_SS_ACCESS_TOKEN."""


def braced(value: str) -> str:
    """A value of a connection string."""
    return "{" + value.replace("}", "}}") + "}"


def connect(
    pool: Pool,
    user: str = ADMINISTRATOR,
    password: str = PASSWORD,
    database: str | None = None,
    token: str | None = None,
    strict: bool = False,
) -> mssql_python.Connection:
    """A connection with autocommit; `strict` speaks TDS 8.0."""
    parts = [f"Server=127.0.0.1,{pool.server.port}", f"Database={database or pool.name}"]
    if strict:
        parts += ["Encrypt=strict", f"ServerCertificate={pool.server.certificate}"]
    else:
        parts += ["Encrypt=yes", "TrustServerCertificate=yes"]
    attributes: dict[int, bytes] = {}
    if token is None:
        parts += [f"UID={user}", f"PWD={braced(password)}"]
    else:
        encoded = token.encode("utf-16-le")
        attributes[ACCESS_TOKEN] = struct.pack("<I", len(encoded)) + encoded
    return mssql_python.connect(";".join(parts), autocommit=True, attrs_before=attributes)


def run(connection: mssql_python.Connection, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements; the rows of the last that has any."""
    rows: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            if cursor.description:
                rows = [tuple(row) for row in cursor.fetchall()]
    return rows


def refused(connection: mssql_python.Connection, statement: str, words: str) -> None:
    """Check that a statement is refused with these words."""
    with pytest.raises(mssql_python.Error, match=words):
        run(connection, statement)
