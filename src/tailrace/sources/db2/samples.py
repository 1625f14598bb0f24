"""The values that the deep check sends from Db2."""

from __future__ import annotations

from tailrace.sources.samples import COMMON, Sample

SAMPLES: tuple[Sample, ...] = (
    *(each for each in COMMON if each.name != "exact"),
    Sample(
        "exact",
        "CAST('-1234567890123456789012345.123456' AS DECIMAL(31, 6))",
        "-1234567890123456789012345.123456",
    ),
    Sample("half", "CAST(0.5 AS DOUBLE)", "0.5"),
    Sample("moment", "CAST('2024-02-29 23:59:59.123456' AS TIMESTAMP)", '"2024-02-29T23:59:59.123456Z"'),
)
