"""Azure's stand-in as the end-to-end tests need it: statements written for all warehouses, in a pool's words."""

from __future__ import annotations

import re
from typing import Any

from tests.servers.azure import Pool

_TYPES = {
    r"\btext\b": "nvarchar(4000)",
    r"\bvarchar\b(?!\()": "nvarchar(4000)",
    r"\bdouble precision\b": "float",
    r"\bboolean\b": "bit",
    r"\btimestamp with time zone\b|\btimestamptz\b": "datetimeoffset",
    r"\btimestamp\b": "datetime2",
    r"\binteger\b": "int",
    r"\bnumeric\b(?!\()": "decimal(38,10)",
    r"\buuid\b": "uniqueidentifier",
}
_CAST = re.compile(r" AS ([a-z]+(?: [a-z]+)*(?:\([\d, ]+\))?)\)", re.IGNORECASE)
_SERIES = re.compile(r"generate_series\((\d+), (\d+)\) AS g\(i\)")
_ROWS = re.compile(r"^(INSERT INTO \S+(?: \([^)]*\))?) VALUES (.*)$", re.DOTALL)
_ROW = re.compile(r"\(((?:[^()']|'(?:[^']|'')*'|\([^()]*\))*)\)")
_TABLES = re.compile(r"SELECT table_name FROM information_schema\.tables WHERE table_schema = '(\w+)'")
_TEXT = re.compile(r"N?'((?:[^']|'')*)'")
_LIMIT = re.compile(r"^SELECT (.*) LIMIT (\d+)$", re.DOTALL)
_MARKED = re.compile(r"COMMENT ON TABLE (\S+) IS '(.*)'")
_BETWEEN = re.compile(r"extract\(epoch FROM (\w+) - (\w+)\)")
_LATER = re.compile(r"now\(\) ([+-]) INTERVAL '(\d+) (\w+?)s?'")


class AzureWarehouse:
    """A pool of its own, which reads what is committed."""

    kind = "azure"

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        pool.snapshot_reads()

    def settings(self) -> dict[str, Any]:
        return {"type": "azure", **self.pool.settings()}

    def model(self, sql: str) -> str:
        return _translated(sql)

    def data(self, *statements: str) -> list[tuple[Any, ...]]:
        return self.pool.sql(*map(_translated, statements))

    def state(self, *statements: str) -> list[tuple[Any, ...]]:
        return self.pool.sql(*map(_of_state, statements))


def _translated(statement: str) -> str:
    """The same in T-SQL."""
    if statement.startswith("DROP TABLE IF EXISTS "):
        name = statement.removeprefix("DROP TABLE IF EXISTS ")
        return f"IF OBJECT_ID(N'{name}') IS NOT NULL DROP TABLE {name}"
    if statement.startswith(("CREATE TABLE", "ALTER TABLE")):
        for word, native in _TYPES.items():
            statement = re.sub(word, native, statement, flags=re.IGNORECASE)
        statement = statement.replace(" ADD COLUMN ", " ADD ")
        made = statement.startswith("CREATE")
        return f"{statement} WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)" if made else statement
    statement = re.sub(r"\b(DATE|TIMESTAMP) ('[^']*')", r"CAST(\2 AS \1)", statement)
    statement = re.sub(r"\bTIMESTAMPTZ '([^']*)([+-]\d\d)'", r"CAST('\1 \2:00' AS datetimeoffset)", statement)
    statement = _CAST.sub(_cast, statement)
    statement = statement.replace("||", "+").replace("random()", "(ABS(CHECKSUM(NEWID())) / 2147483648.0)")
    statement = _SERIES.sub(_series, re.sub(r"\bTRUE\b", "1", re.sub(r"\bFALSE\b", "0", statement)))
    statement = _TEXT.sub(r"N'\1'", statement) if not statement.isascii() else statement
    if rows := _ROWS.match(statement):
        selects = " UNION ALL ".join(f"SELECT {row}" for row in _ROW.findall(rows[2]))
        return f"{rows[1]} {selects}"
    return statement


def _cast(found: re.Match[str]) -> str:
    native = found[1]
    for word, ours in _TYPES.items():
        native = re.sub(word, ours, native, flags=re.IGNORECASE)
    return f" AS {native})"


def _series(found: re.Match[str]) -> str:
    first, last = int(found[1]), int(found[2])
    digits = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
    places = range(len(str(last - first)))
    number = " + ".join(f"p{place}.d * {10**place}" for place in places)
    joined = " CROSS JOIN ".join(f"({digits}) AS p{place}" for place in places)
    return f"(SELECT {first} + {number} AS i FROM {joined} WHERE {number} <= {last - first}) AS g"


def _of_state(statement: str) -> str:
    if listed := _TABLES.fullmatch(statement):
        return (
            "SELECT o.name FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id"
            f" WHERE s.name = N'{listed[1]}'"
        )
    if marked := _MARKED.fullmatch(statement):
        return f"ALTER TABLE {marked[1]} ADD [{marked[2]}] bit NULL"
    statement = _LATER.sub(
        lambda found: f"DATEADD({found[3]}, {found[1]}{found[2]}, SYSUTCDATETIME())", statement
    )
    statement = _BETWEEN.sub(r"DATEDIFF(second, \2, \1)", statement)
    if limited := _LIMIT.match(statement):
        return f"SELECT TOP ({limited[2]}) {limited[1]}"
    return _translated(statement)
