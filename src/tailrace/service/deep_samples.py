"""One value of each kind in every warehouse's own words, and how it must arrive at a destination."""

from __future__ import annotations

from typing import NamedTuple


class Sample(NamedTuple):
    """A value as an expression of the warehouse, and the JSON that it must be on the wire."""

    name: str
    expression: str
    json: str


_WIDE = "-12345678901234567890123456.123456"
_MANY = (
    Sample("whole", "CAST(9007199254740993 AS BIGINT)", "9007199254740993"),
    Sample("exact", f"CAST('{_WIDE}' AS DECIMAL(38, 6))", _WIDE),
    Sample("plain", "CAST('Grüße ''o'' \"q\" \\ 東京' AS VARCHAR(100))", '"Grüße \'o\' \\"q\\" \\\\ 東京"'),
    Sample("nothing", "CAST(NULL AS VARCHAR(100))", "null"),
    Sample("day", "CAST('2024-02-29' AS DATE)", '"2024-02-29"'),
)
_WORDS = (
    Sample("truth", "CAST(1 = 1 AS BOOLEAN)", "true"),
    Sample("half", "CAST(0.5 AS DOUBLE PRECISION)", "0.5"),
    Sample("moment", "CAST('2024-02-29 23:59:59.123456' AS TIMESTAMP)", '"2024-02-29T23:59:59.123456Z"'),
)

SAMPLES: dict[str, tuple[Sample, ...]] = {
    "duckdb": (
        *_MANY,
        *_WORDS,
        Sample("zoned", "CAST('2024-02-29 12:00:00+02' AS TIMESTAMPTZ)", '"2024-02-29T10:00:00Z"'),
        Sample("bytes", "CAST('\\x00\\xFF' AS BLOB)", '"AP8="'),
        Sample("document", "CAST('{\"a\": [1, null]}' AS JSON)", '{"a": [1, null]}'),
        Sample("list", "[1, 2]", "[1, 2]"),
    ),
    "postgres": (
        *_MANY,
        *_WORDS,
        Sample("zoned", "CAST('2024-02-29 12:00:00+02' AS TIMESTAMPTZ)", '"2024-02-29T10:00:00Z"'),
        Sample("bytes", "CAST('\\x00ff' AS bytea)", '"AP8="'),
        Sample("document", "CAST('{\"a\": [1, null]}' AS jsonb)", '{"a": [1, null]}'),
        Sample("list", "ARRAY[1, 2]", "[1, 2]"),
    ),
    "bigquery": (
        Sample("whole", "9007199254740993", "9007199254740993"),
        Sample("exact", "NUMERIC '-12345678901234567890.123456'", "-12345678901234567890.123456"),
        Sample("plain", '"Grüße \'o\' \\"q\\" \\\\ 東京"', '"Grüße \'o\' \\"q\\" \\\\ 東京"'),
        Sample("nothing", "CAST(NULL AS STRING)", "null"),
        Sample("day", "DATE '2024-02-29'", '"2024-02-29"'),
        Sample("truth", "TRUE", "true"),
        Sample("half", "0.5", "0.5"),
        Sample("moment", "DATETIME '2024-02-29 23:59:59.123456'", '"2024-02-29T23:59:59.123456Z"'),
        Sample("zoned", "TIMESTAMP '2024-02-29 12:00:00+02'", '"2024-02-29T10:00:00Z"'),
        Sample("bytes", "b'\\x00\\xff'", '"AP8="'),
        Sample("document", "JSON '{\"a\": [1, null]}'", '{"a": [1, null]}'),
        Sample("list", "[1, 2]", "[1, 2]"),
    ),
    "azure": (
        *(each for each in _MANY if each.name != "plain"),
        Sample(
            "plain", "CAST(N'Grüße ''o'' \"q\" \\ 東京' AS NVARCHAR(100))", '"Grüße \'o\' \\"q\\" \\\\ 東京"'
        ),
        Sample("truth", "CAST(1 AS BIT)", "true"),
        Sample("half", "CAST(0.5 AS FLOAT)", "0.5"),
        Sample(
            "moment",
            "CAST('2024-02-29 23:59:59.123456' AS DATETIME2(6))",
            '"2024-02-29T23:59:59.123456Z"',
        ),
        Sample("zoned", "CAST('2024-02-29 12:00:00 +02:00' AS DATETIMEOFFSET)", '"2024-02-29T10:00:00Z"'),
        Sample("bytes", "CAST(0x00FF AS VARBINARY(2))", '"AP8="'),
    ),
    "db2": (
        *(each for each in _MANY if each.name != "exact"),
        Sample(
            "exact",
            "CAST('-1234567890123456789012345.123456' AS DECIMAL(31, 6))",
            "-1234567890123456789012345.123456",
        ),
        Sample("half", "CAST(0.5 AS DOUBLE)", "0.5"),
        Sample("moment", "CAST('2024-02-29 23:59:59.123456' AS TIMESTAMP)", '"2024-02-29T23:59:59.123456Z"'),
    ),
}
"""By the dialect's name; a warehouse that a package adds has none."""
