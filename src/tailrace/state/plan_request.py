"""What a plan is asked for: a value, from which the same statement makes a plan table or a preview."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tailrace.columns import Column
from tailrace.sources.dialect import Dialect
from tailrace.state.columns import StoredColumn, used

LEADING = ("operation", "record_id", "bucket", "seq", "prior_id", "reason", "total")
"""A plan table's own columns, before the used ones."""


@dataclass(frozen=True, slots=True)
class RecordsTable:
    """What the records table holds now: its columns as they are, and how many rows."""

    columns: tuple[StoredColumn, ...]
    row_count: int
    has_checksum: bool = False
    """Rows may hold a checksum instead of values (R14)."""
    digested: bool = False
    """Each row holds the digest of the values that are used now, and a plan compares only that (R13)."""
    converted: Mapping[str, StoredColumn] = field(default_factory=dict)
    """For a wanted column that is not there yet, by stored name: the old column it takes its values from."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """All that a plan depends on; two plans of equal requests over equal data are equal, row by row."""

    sql: str
    where: str | None
    key: tuple[Column, ...]
    columns: tuple[StoredColumn, ...]
    records: RecordsTable | None
    """None where nothing was ever stored; no managed schema is needed then."""
    operations: frozenset[str]
    first: bool
    first_sync_skip: bool = False
    remember: Literal["values", "checksum"] = "values"
    fingerprint: str = ""
    """Of the mapping and the destination's settings: rejections count only under the same (R23)."""
    quarantine: bool = False
    """There are records in quarantine."""
    candidates: bool = False
    """The mapping's expressions changed: unchanged records are candidates too (R17)."""
    resend: bool = False
    """Delivered records go again, changed or not."""
    deletions_bare: bool = False
    """Deletions get their values afterwards, where there are any and the state is compared without reading them."""

    @property
    def used(self) -> tuple[StoredColumn, ...]:
        return used(self.columns)

    @property
    def bare(self) -> bool:
        """Whether no value of the state is read."""
        return self.deletions_bare and self.records is not None and self.records.digested

    def outdates(self, dialect: Dialect) -> bool:
        """Whether this plan's columns are not those that the state's digests are of (R13)."""
        held = self.records
        apart = held is not None and not held.digested and not held.has_checksum
        return dialect.compares_digests and self.remember == "values" and apart

    @property
    def empty(self) -> bool:
        """There is no state to compare with: the statement needs no join."""
        return self.records is None or self.records.row_count == 0
