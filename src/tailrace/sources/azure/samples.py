"""The values that the deep check sends from a dedicated SQL pool."""

from __future__ import annotations

from tailrace.sources.samples import COMMON, Sample

SAMPLES: tuple[Sample, ...] = (
    *(each for each in COMMON if each.name != "plain"),
    Sample("plain", "CAST(N'Grüße ''o'' \"q\" \\ 東京' AS NVARCHAR(100))", '"Grüße \'o\' \\"q\\" \\\\ 東京"'),
    Sample("truth", "CAST(1 AS BIT)", "true"),
    Sample("half", "CAST(0.5 AS FLOAT)", "0.5"),
    Sample(
        "moment",
        "CAST('2024-02-29 23:59:59.123456' AS DATETIME2(6))",
        '"2024-02-29T23:59:59.123456Z"',
    ),
    Sample("zoned", "CAST('2024-02-29 12:00:00 +02:00' AS DATETIMEOFFSET)", '"2024-02-29T10:00:00Z"'),
    Sample("bytes", "CAST(0x00FF AS VARBINARY(2))", '"AP8="'),
)
