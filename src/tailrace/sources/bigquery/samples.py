"""The values that the deep check sends from BigQuery."""

from __future__ import annotations

from tailrace.sources.samples import Sample

SAMPLES: tuple[Sample, ...] = (
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
)
