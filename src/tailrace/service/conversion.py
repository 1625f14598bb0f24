"""Turns what the runtime and the store know into the published documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tailrace.columns import Column, Kind
from tailrace.errors import TailraceError
from tailrace.service.documents import (
    AttemptDocument,
    Counts,
    ErrorDocument,
    OperationCounts,
    RejectionDocument,
    SyncDocument,
)
from tailrace.service.exact import parsed
from tailrace.state.holder import Holder, proven_dead, this_holder

if TYPE_CHECKING:
    from tailrace.state.quarantine import Rejected
    from tailrace.store.rows import ExceptionRow, SyncRow

_NESTED = (Kind.JSON, Kind.ARRAY, Kind.STRUCT)
_OPERATION_COUNTS = tuple(OperationCounts.model_fields)


def moment(at: datetime | None) -> str | None:
    """A time as documents show it: RFC 3339 in UTC, to the second."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at is not None else None


def sync_document(row: SyncRow, now: datetime | None = None) -> SyncDocument:
    """One sync as `sync --json` and `show --json` give it; with `now`, one whose process is gone is interrupted."""
    status = row.status if now is None else status_at(row, now)
    heard = row.renewed_at if status == "running" else None
    counts = {name: row.counts.get(name, 0) for name in Counts.model_fields}
    shares = {
        operation: OperationCounts(**{name: share.get(name, 0) for name in _OPERATION_COUNTS})
        for operation, share in row.by_operation.items()
    }
    seconds = row.phases.get("send", 0.0)
    decided = counts["delivered"] + counts["rejected"] + counts["unknown"]
    return SyncDocument(
        sync=row.sync,
        mapping=row.mapping,
        status=status,  # pyright: ignore[reportArgumentType]
        resumed=row.resumed,
        counts=Counts(**counts),
        by_operation=shares,
        warnings=[*row.warnings, *_left_out(row.mapping, counts)],
        started_at=moment(row.started_at) or "",
        finished_at=moment(row.finished_at),
        phases=row.phases,
        records_per_second=round(decided / seconds, 1) if seconds else 0.0,
        error=ErrorDocument(**row.error) if row.error else None,
        silent_seconds=max((now - heard) // timedelta(seconds=1), 0) if now and heard else None,
    )


def status_at(row: SyncRow, now: datetime) -> str:
    """A sync's status by now: a running one whose process is proven dead, or whose lease ended, is interrupted."""
    if row.status == "running" and (row.lease_until < now or process_gone(row)):
        return "interrupted"
    return row.status


def process_gone(row: SyncRow) -> bool:
    """Whether the process that runs, or ran, a sync was one of this host and is proven to have ended (R1)."""
    holder = Holder.from_json(row.holder)
    return holder is not None and proven_dead(holder, this_holder(holder.store))


def _left_out(mapping: str, counts: Mapping[str, int]) -> list[str]:
    """What a sync left out although its mode would send it, as warnings."""
    found: list[str] = []
    if rows := counts["set_aside"]:
        what = "1 row was" if rows == 1 else f"{rows:,} rows were"
        found.append(
            f"{what} set aside: a key is null, empty, blank, repeated or too long. See `tailrace plan {mapping}`."
        )
    if records := counts["quarantined"]:
        what = "1 record is" if records == 1 else f"{records:,} records are"
        found.append(f"{what} quarantined after refusals. See `tailrace rejections {mapping}`.")
    return found


def error_document(error: TailraceError) -> ErrorDocument:
    """An error with its code, message, hint and place."""
    return ErrorDocument.model_validate(error.document())


def exception_document(row: ExceptionRow) -> RejectionDocument:
    """A record that was not delivered, as the ledger recorded it."""
    at = moment(row.at)
    return RejectionDocument(
        key=row.key,
        operation=row.operation,
        outcome=row.outcome.value,
        reason=row.reason,
        code=row.code,
        message=row.message,
        payload=row.payload,
        answer=row.answer,
        attempts=row.attempts,
        sync=row.sync,
        first_at=at,
        last_at=at,
    )


def rejection_document(rejected: Rejected, detail: ExceptionRow | None) -> RejectionDocument:
    """A refused record as the warehouse remembers it, with payload and answer where this machine saw them."""
    return RejectionDocument(
        key=rejected.record_id,
        operation=rejected.operation,
        outcome="rejected",
        reason=rejected.reason,
        code=rejected.code,
        message=rejected.message,
        payload=detail.payload if detail else None,
        answer=detail.answer if detail else None,
        attempts=rejected.attempts,
        sync=detail.sync if detail else None,
        first_at=moment(rejected.first_at),
        last_at=moment(rejected.last_at),
        next_try_at=moment(rejected.next_try_at),
    )


def attempt_document(row: ExceptionRow) -> AttemptDocument:
    """One time a record was sent and not delivered."""
    return AttemptDocument(
        sync=row.sync,
        at=moment(row.at) or "",
        operation=row.operation,
        outcome=row.outcome.value,
        code=row.code or row.reason,
        message=row.message,
        payload=row.payload,
        answer=row.answer,
        attempts=row.attempts,
    )


def plain_values(row: Mapping[str, Any], columns: Iterable[Column]) -> dict[str, Any]:
    """A record's values by column, what is nested as such: JSON, arrays and structs are read as their text."""
    nested = {column.name for column in columns if column.kind in _NESTED}
    return {
        name: _opened(value) if name in nested and isinstance(value, str) else plain_value(value)
        for name, value in row.items()
    }


def _opened(text: str) -> Any:
    try:
        return parsed(text)
    except ValueError:
        return text


def plain_value(value: Any) -> Any:
    """A value that JSON can hold; binary as base64, times as ISO text."""
    if isinstance(value, bytes):
        from base64 import b64encode

        return b64encode(value).decode()
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    if value is None or isinstance(value, str | int | float | bool | list | dict):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
