"""Db2's stand-in as the end-to-end tests need it: statements written for all warehouses, in Derby's words."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from tests.servers.db2 import Database
from tests.servers.db2.database import Db2Error

_SCHEMA = "SEGMENT_REVERSE_ETL"
_TYPES = {
    r"\btext\b": "varchar(4000)",
    r"\bvarchar\b(?!\()": "varchar(4000)",
    r"\bnumeric\b(?!\()": "decimal(31,10)",
    r"\btimestamp with time zone\b|\btimestamptz\b": "timestamp",
    r"\bDATE ('[^']*')": r"DATE(\1)",
}
_SERIES = re.compile(r"generate_series\((\d+), (\d+)\) AS g\(i\)")
_TABLES = re.compile(r"SELECT table_name FROM information_schema\.tables WHERE table_schema = '(\w+)'")
_LIMIT = re.compile(r" LIMIT (\d+)$")
_LATER = re.compile(r"now\(\) ([+-]) INTERVAL '(\d+) (\w+?)s?'")
_BETWEEN = re.compile(r"extract\(epoch FROM (\w+) - (\w+)\)")
_RESERVED = re.compile(r"(?<!')\bunknown\b(?!')")
_UNITS = {"millisecond": "FRAC_SECOND", "second": "SECOND", "minute": "MINUTE", "hour": "HOUR", "day": "DAY"}


class Db2Warehouse:
    """A database of its own."""

    kind = "db2"

    def __init__(self, database: Database) -> None:
        self.database = database

    def settings(self) -> dict[str, Any]:
        return {"type": "db2", **self.database.settings()}

    def model(self, sql: str) -> str:
        """A model's SQL: Db2 has no SELECT without FROM, and text with a length only."""
        for word, native in _TYPES.items():
            sql = re.sub(word, native, sql, flags=re.IGNORECASE)
        if re.search(r"\bFROM\b", sql, re.IGNORECASE):
            return sql
        return " UNION ALL ".join(f"{each} FROM SYSIBM.SYSDUMMY1" for each in sql.split(" UNION ALL "))

    def data(self, *statements: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        for statement in statements:
            if statement.startswith("DROP TABLE IF EXISTS "):
                with suppress(Db2Error):
                    self.database.sql(statement.replace(" IF EXISTS", ""))
            else:
                rows = self.database.sql(_translated(statement))
        return rows

    def state(self, *statements: str) -> list[tuple[Any, ...]]:
        return self.data(*map(_of_state, statements))


def _translated(statement: str) -> str:
    """The same in Derby's words."""
    if statement.startswith(("CREATE TABLE", "ALTER TABLE")):
        for word, native in _TYPES.items():
            statement = re.sub(word, native, statement, flags=re.IGNORECASE)
        return statement
    statement = re.sub(r"\bAS (?:varchar|text)\)", "AS varchar(100))", statement, flags=re.IGNORECASE)
    statement = re.sub(r"\b(\w+) % (\d+)", r"MOD(\1, \2)", statement)
    statement = statement.replace(", NULL, i", ", CAST(NULL AS varchar(100)), i")  # Derby wants its type
    statement = statement.replace("SELECT NULL, ", "SELECT CAST(NULL AS bigint), ")
    return _SERIES.sub(_series, statement)


def _series(found: re.Match[str]) -> str:
    first, last = int(found[1]), int(found[2])
    places = range(len(str(last - first)))
    number = " + ".join(f"p{place}.d * {10**place}" for place in places)
    joined = " CROSS JOIN ".join(f"(VALUES 0, 1, 2, 3, 4, 5, 6, 7, 8, 9) AS p{place}(d)" for place in places)
    return f"(SELECT {first} + {number} AS i FROM {joined} WHERE {number} <= {last - first}) AS g"


def _of_state(statement: str) -> str:
    if listed := _TABLES.fullmatch(statement):
        return (
            "SELECT LOWER(t.tablename) FROM sys.systables AS t JOIN sys.sysschemas AS s ON s.schemaid = t.schemaid"
            f" WHERE s.schemaname = '{_SCHEMA if listed[1] == '__segment_reverse_etl' else listed[1]}'"
        )
    statement = _LATER.sub(
        lambda found: (
            f"{{fn TIMESTAMPADD(SQL_TSI_{_UNITS[found[3]]}, {found[1]}{found[2]}, CURRENT_TIMESTAMP)}}"
        ),
        statement,
    )
    statement = _BETWEEN.sub(r"{fn TIMESTAMPDIFF(SQL_TSI_SECOND, \2, \1)}", statement)
    statement = _RESERVED.sub('"UNKNOWN"', statement.replace("__segment_reverse_etl", _SCHEMA))
    return _LIMIT.sub(r" FETCH FIRST \1 ROWS ONLY", statement)
