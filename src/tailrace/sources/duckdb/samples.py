"""The values that the deep check sends from DuckDB."""

from __future__ import annotations

from tailrace.sources.samples import COMMON, WORDS, Sample

SAMPLES: tuple[Sample, ...] = (
    *COMMON,
    *WORDS,
    Sample("zoned", "CAST('2024-02-29 12:00:00+02' AS TIMESTAMPTZ)", '"2024-02-29T10:00:00Z"'),
    Sample("bytes", "CAST('\\x00\\xFF' AS BLOB)", '"AP8="'),
    Sample("document", "CAST('{\"a\": [1, null]}' AS JSON)", '{"a": [1, null]}'),
    Sample("list", "[1, 2]", "[1, 2]"),
)
