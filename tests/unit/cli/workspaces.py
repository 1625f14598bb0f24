"""A workspace that answers with prepared documents, so that commands are tested without a warehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from tailrace.errors import TailraceError
from tailrace.runtime.events import Event, PhaseStarted, PlanSealed, SyncFinished, Warned
from tailrace.runtime.stop import StopSignal
from tailrace.service.documents import (
    ActionDocument,
    AttemptDocument,
    CatalogueDocument,
    CatalogueEntryDocument,
    ChangeDocument,
    CheckDocument,
    CheckStepDocument,
    ColumnDocument,
    Counts,
    ErrorDocument,
    FieldDocument,
    GrantsDocument,
    GuardDocument,
    MappingDocument,
    MappingsDocument,
    OperationCounts,
    PlanDocument,
    PreviewDocument,
    RejectionDocument,
    RejectionsDocument,
    SendDocument,
    SetAsideDocument,
    ShowDocument,
    SyncDocument,
    SyncsDocument,
    ValidateDocument,
    WhyDocument,
)

SYNC = "20260301-120000-3f9a2c"
PLAN = "9f2c4be1d0a7835e6c1b2a3948d7f6e50123456789abcdef0123456789abcdef"


def sync_document(**changes: Any) -> SyncDocument:
    """A sync that delivered everything, unless changed."""
    values: dict[str, Any] = {
        "sync": SYNC,
        "mapping": "customers_to_crm",
        "status": "success",
        "counts": Counts(
            model_rows=3000,
            added=120,
            updated=85,
            deleted=12,
            unchanged=2793,
            set_aside=2,
            planned=217,
            delivered=217,
        ),
        "by_operation": {
            "added": OperationCounts(planned=120, delivered=120),
            "updated": OperationCounts(planned=85, delivered=85),
            "deleted": OperationCounts(planned=12, delivered=12),
        },
        "started_at": "2026-03-01T12:00:00+00:00",
        "finished_at": "2026-03-01T12:00:03+00:00",
        "phases": {"plan": 0.4, "send": 2.1, "commit": 0.2},
        "records_per_second": 103.3,
    }
    return SyncDocument(**{**values, **changes})


def plan_document(**changes: Any) -> PlanDocument:
    """A plan with a sample of everything that a reader may meet."""
    values: dict[str, Any] = {
        "plan": PLAN,
        "mapping": "customers_to_crm",
        "destination": "crm",
        "action": "send",
        "mode": ["added", "updated", "deleted"],
        "counts": Counts(
            model_rows=3000, added=120, updated=85, deleted=12, unchanged=2793, set_aside=2, planned=217
        ),
        "first": False,
        "guards": [
            GuardDocument(name="max_delete_percent", limit="10 %", value="0.4 %", passed=True),
            GuardDocument(name="empty_model", limit="model not empty", value="3,000 rows", passed=True),
        ],
        "changes": [
            ChangeDocument(
                operation="added",
                key="3001",
                new={"id": 3001, "email": " Ada@Example.com", "first_name": "Ada", "plan": "pro"},
                payload={"id": 3001, "email": "ada@example.com", "greeting": "Hi Ada!", "tier": "gold"},
            ),
            ChangeDocument(
                operation="updated",
                key="42",
                old={"id": 42, "email": "bob@example.com", "first_name": None, "plan": "basic"},
                new={"id": 42, "email": "bob@example.com", "first_name": "Bob", "plan": "pro"},
                payload={"id": 42, "email": "bob@example.com", "greeting": "Hi Bob!", "tier": "gold"},
            ),
            ChangeDocument(
                operation="deleted",
                key="17",
                old={"id": 17, "email": "eve@example.com", "first_name": "Eve", "plan": "basic"},
                payload={"id": 17, "email": "eve@example.com", "greeting": "Hi Eve!", "tier": "basic"},
            ),
            ChangeDocument(
                operation="updated",
                key="99",
                old={"id": 99, "score": 1.5},
                new={"id": 99, "score": "NaN"},
                problem="score: NaN is no JSON number (set when_nan: null to send null)",
            ),
        ],
        "set_aside": [
            SetAsideDocument(reason="null", key=None, rows=1),
            SetAsideDocument(reason="repeated", key="7", rows=2),
        ],
        "requests": 3,
        "cost": {"bytes_read": 120000},
    }
    return PlanDocument(**{**values, **changes})


REJECTION = RejectionDocument(
    key="42",
    operation="updated",
    outcome="rejected",
    reason="result",
    code="invalid_email",
    message="'bob.example.com' is no e-mail address",
    payload='{"id":42,"email":"bob.example.com","spent":12345678901234567890.10}',
    answer='{"key":"42","status":"rejected"}',
    attempts=3,
    sync=SYNC,
    first_at="2026-03-01T11:00:00+00:00",
    last_at="2026-03-01T12:00:02+00:00",
    next_try_at="2026-03-01T13:00:02+00:00",
)


class FakeWorkspace:
    """Stands in for `tailrace.service.workspace.Workspace`; tests change its class attributes."""

    calls: ClassVar[list[tuple[Any, ...]]] = []
    open_error: ClassVar[TailraceError | None] = None
    plans: ClassVar[list[PlanDocument | TailraceError]] = []
    syncs_run: ClassVar[list[SyncDocument | TailraceError]] = []
    during_sync: ClassVar[Callable[[StopSignal], None]] = staticmethod(lambda stop: None)
    problems: ClassVar[ValidateDocument] = ValidateDocument(valid=True, problems=[])
    checks_ok: ClassVar[bool] = True
    send_outcome: ClassVar[str] = "delivered"
    shown_status: ClassVar[str] = "partial"
    grant_statements: ClassVar[str] = 'GRANT USAGE ON SCHEMA shop TO "tailrace";\n'
    defect: ClassVar[Exception | None] = None

    @classmethod
    def open(cls, folder: Path, environment: str | None, environ: Mapping[str, str]) -> FakeWorkspace:
        cls.calls.append(("open", folder, environment))
        if cls.open_error is not None:
            raise cls.open_error
        return cls()

    def __enter__(self) -> FakeWorkspace:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self.calls.append(("close",))

    @classmethod
    def validate(cls, folder: Path, environment: str | None, environ: Mapping[str, str]) -> ValidateDocument:
        return cls.problems

    @staticmethod
    def schema() -> dict[str, Any]:
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}

    def check(self, names: Sequence[str], *, deep: bool) -> Iterator[CheckDocument]:
        self.calls.append(("check", list(names), deep))
        steps = [CheckStepDocument(name="address", status="passed", detail="db:5432")]
        if not self.checks_ok:
            steps += [
                CheckStepDocument(
                    name="login",
                    status="failed",
                    detail="password refused",
                    remedy="Set PGPASSWORD.\nThen try again.",
                ),
                CheckStepDocument(name="read", status="skipped"),
            ]
        yield CheckDocument(name="warehouse", kind="source", type="postgres", steps=steps, ok=self.checks_ok)
        yield CheckDocument(
            name="crm",
            kind="destination",
            type="webhook",
            steps=[CheckStepDocument(name="address", status="passed")],
            ok=True,
        )

    def grants(
        self, source: str, user: str | None, role: str | None, schemas: Sequence[str]
    ) -> GrantsDocument:
        self.calls.append(("grants", source, user, role, list(schemas)))
        return GrantsDocument(source=source, statements=self.grant_statements)

    def mappings(self) -> MappingsDocument:
        made = [
            MappingDocument(
                mapping=name,
                model="customers",
                source="warehouse",
                destination="crm",
                action="send",
                mode=["added", "updated"],
                enabled=name != "orders_to_crm",
                schedule="every 15m",
                last=sync_document() if name == "customers_to_crm" else None,
            )
            for name in ("customers_to_crm", "orders_to_crm")
        ]
        return MappingsDocument(mappings=made)

    @staticmethod
    def catalogue(kind: Literal["sources", "destinations"]) -> CatalogueDocument:
        fields = [
            FieldDocument(name="url", label="URL", help="Where records are sent.", type="url", required=True),
            FieldDocument(name="secret", label="Secret", help="Signs requests.", type="text", secret=True),
            FieldDocument(name="batch", label="Batch", help="Records a request.", type="integer", default=1),
        ]
        entry = CatalogueEntryDocument(
            type="webhook", title="Webhook", description="Any HTTP API.", settings=fields, actions=["send"]
        )
        return CatalogueDocument(kind=kind, entries=[entry])

    def preview(self, model: str, limit: int) -> PreviewDocument:
        self.calls.append(("preview", model, limit))
        columns = [
            ColumnDocument(name="id", kind="int", native="INTEGER"),
            ColumnDocument(name="email", kind="text", native="VARCHAR"),
        ]
        rows = [{"id": 1, "email": "ada@example.com"}, {"id": 2, "email": None}]
        return PreviewDocument(model=model, columns=columns, rows=rows)

    def plan(self, mappings: Sequence[str], *, statements: bool, samples: int) -> Iterator[PlanDocument]:
        self.calls.append(("plan", list(mappings), statements, samples))
        for document in self.plans or [plan_document(statements=["SELECT 1"] if statements else [])]:
            if isinstance(document, TailraceError):
                raise document
            yield document

    def sync(
        self,
        mappings: Sequence[str],
        *,
        plan_id: str | None,
        limit: int | None,
        on_event: Callable[[Event], None],
        stop: StopSignal,
    ) -> Iterator[SyncDocument]:
        self.calls.append(("sync", list(mappings), plan_id, limit))
        if self.defect is not None:
            password = "hunter2"  # A local variable that no traceback may show.
            raise self.defect from ValueError(f"inner {len(password)}")
        for document in self.syncs_run or [sync_document()]:
            if isinstance(document, TailraceError):
                raise document
            at = "2026-03-01T12:00:00+00:00"
            from datetime import datetime

            on_event(PhaseStarted(document.mapping, SYNC, "plan", datetime.fromisoformat(at)))
            on_event(PlanSealed(document.mapping, SYNC, {"planned": document.counts.planned}))
            for warning in document.warnings:
                on_event(Warned(document.mapping, warning))
            type(self).during_sync(stop)
            on_event(SyncFinished(document.mapping, document))
            yield document

    def send(self, mapping: str, key: str) -> SendDocument:
        self.calls.append(("send", mapping, key))
        return SendDocument(
            mapping=mapping,
            key=key,
            operation="updated",
            outcome=self.send_outcome,
            request={
                "method": "POST",
                "url": "https://crm.example/hook",
                "headers": {"Authorization": "•••", "Idempotency-Key": "ab12"},
                "body": '{"id":42,"spent":0.10}',
            },
            answer={"status": 200, "headers": {"Content-Type": "application/json"}, "body": '{"results":[]}'},
            message="HTTP 200",
        )

    def syncs(self, mapping: str | None, limit: int) -> SyncsDocument:
        self.calls.append(("syncs", mapping, limit))
        failed = ErrorDocument(code="destination_unauthorized", message="401", hint="Renew the token.")
        return SyncsDocument(syncs=[sync_document(), sync_document(status="failed", error=failed)])

    def show(self, sync: str) -> ShowDocument:
        if sync != SYNC:
            raise TailraceError(
                f"there is no sync {sync}", hint="`tailrace syncs` lists them.", code="sync_unknown"
            )
        return ShowDocument(sync=sync_document(status=self.shown_status), rejections=[REJECTION])

    def rejections(self, mapping: str) -> RejectionsDocument:
        return RejectionsDocument(mapping=mapping, rejections=[REJECTION])

    def release(self, mapping: str, key: str | None) -> ActionDocument:
        self.calls.append(("release", mapping, key))
        return ActionDocument(action="release", mapping=mapping, records=1, message="1 record released.")

    def why(self, mapping: str, key: str) -> WhyDocument:
        return WhyDocument(
            mapping=mapping,
            key=key,
            verdict="The destination refused this record 3 times; it waits unless it changes.",
            model=[{"id": 42, "email": "bob.example.com", "plan": "pro"}],
            state={"values": {"id": 42, "email": "bob@example.com"}, "sync": SYNC, "uncertain": False},
            change="quarantined",
            changed_columns=["email"],
            payload={"id": 42, "email": "bob.example.com"},
            quarantine=REJECTION,
            attempts=[
                AttemptDocument(
                    sync=SYNC,
                    at="2026-03-01T12:00:02+00:00",
                    operation="updated",
                    outcome="rejected",
                    code="invalid_email",
                    message="no e-mail address",
                    answer='{"status":"rejected"}',
                ),
                AttemptDocument(
                    sync=SYNC,
                    at="2026-03-01T11:00:02+00:00",
                    operation="updated",
                    outcome="unknown",
                    code="timeout",
                ),
            ],
        )

    def approve(self, sync: str) -> ActionDocument:
        self.calls.append(("approve", sync))
        return ActionDocument(action="approve", mapping="customers_to_crm", sync=sync, message="Approved.")

    def discard(self, sync: str) -> ActionDocument:
        return ActionDocument(action="discard", mapping="customers_to_crm", sync=sync)

    def cancel(self, sync: str) -> ActionDocument:
        return ActionDocument(action="cancel", mapping="customers_to_crm", sync=sync)

    def reset(self, mapping: str) -> ActionDocument:
        self.calls.append(("reset", mapping))
        return ActionDocument(action="reset", mapping=mapping, records=3000)

    def resend(self, mapping: str, keys: Sequence[str]) -> ActionDocument:
        self.calls.append(("resend", mapping, list(keys)))
        return ActionDocument(action="resend", mapping=mapping, records=len(keys))
