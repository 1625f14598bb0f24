"""`send`: one record as a test; shows request, answer and outcome, and changes no state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.delivery.single import send_one
from tailrace.destinations.define import Call
from tailrace.errors import ConfigError
from tailrace.ids import digest
from tailrace.runtime.prepared import prepare
from tailrace.runtime.record import facts, render_one, verdict
from tailrace.service.documents import SendDocument
from tailrace.service.holding import stored_checkpoint

if TYPE_CHECKING:
    from tailrace.service.workspace import Workspace


@dataclass(frozen=True, slots=True)
class _One:
    keys: tuple[str]
    operations: tuple[str]
    record_ids: tuple[str]

    def __len__(self) -> int:
        return 1


def send(workspace: Workspace, mapping: str, key: str) -> SendDocument:
    """Send the record with this key now, as the next sync would. Raises ConfigError where no such record exists."""
    prepared = prepare(workspace.project, mapping, workspace.environ)
    with prepared.source.session(model=True) as session:
        found = stored_checkpoint(session, prepared.source, prepared.names)
        known = facts(session, prepared, found, key)
    change, why, _ = verdict(known, frozenset({"added", "updated", "deleted"}))
    if change in ("set_aside", "unknown_key"):
        raise ConfigError(
            f"The record {key} cannot be sent: {why}",
            hint=f"See records with `tailrace preview {prepared.model.name}`.",
            code="record_unknown",
        )
    operation = change if change in ("added", "deleted") else "updated"
    row = known.state.row if known.state and not known.rows.num_rows else known.rows
    unix_time = workspace.clock.now().timestamp()
    sync = f"test-{int(unix_time)}"
    payload = render_one(prepared, row, key, operation, sync)
    if payload.problem is not None:
        return SendDocument(
            mapping=mapping,
            key=key,
            operation=operation,
            outcome="rejected",
            request={},
            message=payload.problem,
        )
    target = prepared.target
    call = Call(target.settings, prepared.project.name, mapping, sync)
    exchange = send_one(
        target.action,
        call,
        target.declaration.auth(target.settings),
        payload.item,
        _One((key,), (operation,), (payload.record_id,)),
        digest(sync, key, payload.item),
        unix_time,
    )
    answer = exchange.answer
    return SendDocument(
        mapping=mapping,
        key=key,
        operation=operation,
        outcome=exchange.outcome,
        request={
            "method": exchange.method,
            "url": exchange.origin,
            "headers": exchange.headers,
            "body": exchange.body,
        },
        answer={"status": answer.status, "body": exchange.shown_answer} if answer else None,
        message=exchange.message,
    )
