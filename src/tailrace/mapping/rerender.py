"""Tells which records render differently after a mapping was edited (R17)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tailrace.mapping.engine import connect
from tailrace.mapping.program import literal

if TYPE_CHECKING:
    import pyarrow as pa

_UNSURE = 2


class Comparison:
    """Compares payloads of two versions of a mapping, field by field, as JSON values.

    A field counts if both versions have it; one that only the new version has counts where it is not null.
    The order of keys does not matter, 1 equals 1.0, and a field that is left out equals null.
    """

    def __init__(self, old_fields: Sequence[str], new_fields: Sequence[str]) -> None:
        self._common = [name for name in new_fields if name in set(old_fields)]
        self._added = [name for name in new_fields if name not in set(old_fields)]
        self._connection = connect()
        self._statement = self._select()

    def __enter__(self) -> Comparison:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def differing(self, old: pa.Array, new: pa.Array) -> pa.BooleanArray:
        """For each pair of payloads (JSON text; null where refused), whether they differ."""
        import pyarrow as pa

        self._connection.register("pairs", pa.table({"old": old, "new": new}))
        try:
            table = self._connection.sql(self._statement).to_arrow_table()
        finally:
            self._connection.unregister("pairs")
        verdicts = table.column(0).to_numpy()
        differs = verdicts == 1
        for row in (verdicts == _UNSURE).nonzero()[0].tolist():
            differs[row] = self._differ(old[row].as_py(), new[row].as_py())
        return pa.array(differs, pa.bool_())

    def _select(self) -> str:
        """DuckDB decides what texts can decide; what takes exact numbers or nested values is left unsure."""
        names = [*self._common, *self._added]
        paths = ", ".join(literal('$."' + _escaped(name) + '"') for name in names) or "'$'"
        verdicts: list[str] = []
        for at, _ in enumerate(names, start=1):
            was, now = f"coalesce(o[{at}]::VARCHAR, 'null')", f"coalesce(n[{at}]::VARCHAR, 'null')"
            if at > len(self._common):
                verdicts.append(f"CASE WHEN {now} <> 'null' THEN 1 ELSE 0 END")
                continue
            first = "IN ('\"', 't', 'f', 'n')"
            plain = f"(left({was}, 1) {first} OR left({now}, 1) {first})"
            verdicts.append(f"CASE WHEN {was} = {now} THEN 0 WHEN {plain} THEN 1 ELSE {_UNSURE} END")
        listed = ", ".join(verdicts) or "0"
        values = f"json_extract(old, [{paths}]) AS o, json_extract(new, [{paths}]) AS n"
        long = "regexp_matches(old, '[0-9.]{16}') AND regexp_matches(new, '[0-9.]{16}')"
        return (
            f"SELECT CASE WHEN old IS NULL AND new IS NULL THEN 0 WHEN old IS NULL OR new IS NULL THEN 1"
            f" WHEN old = new AND {str(not self._added).lower()} THEN 0"
            f" WHEN list_contains(v, 1) THEN 1 WHEN list_contains(v, {_UNSURE}) OR ({long}) THEN {_UNSURE}"
            f" ELSE 0 END::TINYINT AS verdict FROM (SELECT old, new, [{listed}] AS v FROM"
            f" (SELECT old, new, {values} FROM pairs))"
        )

    def _differ(self, old: str, new: str) -> bool:
        was, now = (json.loads(text, parse_float=Decimal, parse_int=Decimal) for text in (old, new))
        return any(not _same(was.get(name), now.get(name)) for name in self._common) or any(
            now.get(name) is not None for name in self._added
        )


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON values: numbers by value, objects whatever the order of their keys."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | Decimal) and isinstance(other, int | Decimal):
        return one == other
    return type(one) is type(other) and one == other
