"""What the receiver holds: records by key, their histories, and counts of what came twice."""

from __future__ import annotations

import gzip
import json
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

_HISTORY = 50


@dataclass(frozen=True, slots=True)
class Received:
    """One record of a request."""

    operation: str
    key: str
    id: str
    record: Any


def parse(body: bytes, headers: dict[str, str], key_field: str) -> list[Received]:
    """The records in a request, in whichever of the webhook's shapes; raises ValueError where it is none."""
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    if "ndjson" in headers.get("content-type", ""):
        documents = [json.loads(line) for line in body.splitlines() if line.strip()]
    else:
        document = json.loads(body)
        if isinstance(document, dict) and isinstance(document.get("records"), list):
            documents = document["records"]
        else:
            documents = document if isinstance(document, list) else [document]
    return [_received(document, key_field) for document in documents]


def _received(document: Any, key_field: str) -> Received:
    if not isinstance(document, dict):
        raise ValueError("a record must be an object")
    if "record" in document and "operation" in document:
        return Received(document["operation"], document["key"], document["id"], document["record"])
    if document.get("type") == "tailrace.test":
        return Received("test", "", "", document)
    return Received("added", str(document.get(key_field, "")), "", document)


@dataclass(slots=True)
class Holdings:
    """State of a receiver, by path of the address."""

    collections: dict[str, dict[str, Any]] = field(default_factory=dict)
    histories: dict[tuple[str, str], deque[Received]] = field(default_factory=dict)
    accepted: Counter[str] = field(default_factory=Counter)
    """Records accepted, by operation."""
    arrivals: Counter[str] = field(default_factory=Counter)
    """How often each record id was accepted."""
    arrived: int = 0
    """Records in all requests, whatever became of them."""
    resent: int = 0
    """Records that arrived although their id had been accepted before."""

    def arrive(self, records: Sequence[Received]) -> None:
        """Count all, and what had been accepted before."""
        self.arrived += len(records)
        self.resent += sum(1 for record in records if record.id and record.id in self.arrivals)

    def accept(self, path: str, records: Iterable[Received]) -> None:
        """Keep or delete each record."""
        collection = self.collections.setdefault(path, {})
        for record in records:
            if record.operation == "test":
                continue
            if record.operation == "deleted":
                collection.pop(record.key, None)
            else:
                collection[record.key] = record.record
            self.accepted[record.operation] += 1
            if record.id:
                self.arrivals[record.id] += 1
            self.histories.setdefault((path, record.key), deque(maxlen=_HISTORY)).append(record)
