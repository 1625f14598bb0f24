"""Finds the records that an answer speaks of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tailrace.destinations.define import Reading, Records, Result

_WEIGHT = {"delivered": 0, "unknown": 1, "retry": 2, "rejected": 3}


def results_by_key(entries: Iterable[Any], records: Records) -> Reading:
    """Results from `{"key", "operation"?, "status", "code", "message"}` in any order.

    Of several for one record the gravest counts; a status that nobody knows leaves the record unknown;
    results for records that were not asked about are ignored, with a warning.
    """
    places: dict[str, list[int]] = {}
    for index, key in enumerate(records.keys):
        places.setdefault(key, []).append(index)
    results: dict[int, Result] = {}
    strangers = 0
    for entry in entries:
        entry = entry if isinstance(entry, dict) else {}
        operation = entry.get("operation")
        found = [
            index
            for index in places.get(str(entry.get("key")), ())
            if operation is None or operation == records.operations[index]
        ]
        strangers += not found
        result = _result(entry)
        for index in found:
            if index not in results or _WEIGHT[result.status] > _WEIGHT[results[index].status]:
                results[index] = result
    if not strangers:
        return Reading(results)
    return Reading(
        results, (f"An answer held results for records that were not in its request: {strangers}.",)
    )


def _result(entry: dict[str, Any]) -> Result:
    code, message = str(entry.get("code") or ""), str(entry.get("message") or "")
    match entry.get("status"):
        case "rejected" | "retry" | "delivered" as status:
            return Result(status, code, message)
        case _:
            return Result(
                "unknown", code, message or "The answer gave this record a status that has no meaning here."
            )
