"""One value of each kind in a warehouse's own words, and how it must arrive at a destination: for the deep check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable


class Sample(NamedTuple):
    """A value as an expression of the warehouse, and the JSON that it must be on the wire."""

    name: str
    expression: str
    json: str


@runtime_checkable
class Sampled(Protocol):
    """What a source has beside, whose values the deep check can hold to what must arrive of them."""

    @property
    def samples(self) -> Sequence[Sample]:
        """Values of its types."""
        ...


def samples_of(source: object) -> Sequence[Sample]:
    """A source's values to check; none where it brings none."""
    return source.samples if isinstance(source, Sampled) else ()


_WIDE = "-12345678901234567890123456.123456"
COMMON = (
    Sample("whole", "CAST(9007199254740993 AS BIGINT)", "9007199254740993"),
    Sample("exact", f"CAST('{_WIDE}' AS DECIMAL(38, 6))", _WIDE),
    Sample("plain", "CAST('Grüße ''o'' \"q\" \\ 東京' AS VARCHAR(100))", '"Grüße \'o\' \\"q\\" \\\\ 東京"'),
    Sample("nothing", "CAST(NULL AS VARCHAR(100))", "null"),
    Sample("day", "CAST('2024-02-29' AS DATE)", '"2024-02-29"'),
)
"""Values that are written alike in most warehouses."""

WORDS = (
    Sample("truth", "CAST(1 = 1 AS BOOLEAN)", "true"),
    Sample("half", "CAST(0.5 AS DOUBLE PRECISION)", "0.5"),
    Sample("moment", "CAST('2024-02-29 23:59:59.123456' AS TIMESTAMP)", '"2024-02-29T23:59:59.123456Z"'),
)
"""Those of warehouses with the type names of the standard."""
