"""The documents that commands answer with; their JSON Schemas are published in docs/reference."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal[
    "running",
    "success",
    "partial",
    "failed",
    "blocked",
    "cancelled",
    "interrupted",
    "superseded",
    "discarded",
]
Operation = Literal["added", "updated", "deleted"]


class Document(BaseModel):
    """A published shape: unknown fields are a defect."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class ErrorDocument(Document):
    code: str
    message: str
    hint: str = ""
    where: str | None = None


class FailureDocument(Document):
    """What any command answers with `--json` when it fails before it has a document of its own."""

    error: ErrorDocument


class Counts(Document):
    model_rows: int = 0
    added: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    set_aside: int = 0
    quarantined: int = 0
    not_sent: int = 0
    planned: int = 0
    delivered: int = 0
    rejected: int = 0
    aborted: int = 0
    unknown: int = 0


class OperationCounts(Document):
    planned: int = 0
    delivered: int = 0
    rejected: int = 0
    aborted: int = 0
    unknown: int = 0


class SyncDocument(Document):
    sync: str
    mapping: str
    status: Status
    resumed: bool = False
    counts: Counts = Field(default_factory=Counts)
    by_operation: dict[str, OperationCounts] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)
    started_at: str
    finished_at: str | None = None
    phases: dict[str, float] = Field(default_factory=dict)
    """Seconds of plan, send and commit."""
    records_per_second: float = 0.0
    error: ErrorDocument | None = None
    silent_seconds: int | None = None
    """Of a running sync: how long ago its process was last heard of, which it is every half minute; else null."""


class SyncsDocument(Document):
    syncs: list[SyncDocument]
    error: ErrorDocument | None = None
    """What ended the command after these; left out where nothing did."""


class RejectionDocument(Document):
    key: str
    operation: str
    outcome: str
    reason: str
    code: str
    message: str
    payload: str | None = None
    answer: str | None = None
    attempts: int = 1
    sync: str | None = None
    first_at: str | None = None
    last_at: str | None = None
    next_try_at: str | None = None
    """Set where the record is quarantined; null where it goes again with the next sync."""


class RejectionsDocument(Document):
    mapping: str
    rejections: list[RejectionDocument]


class ShowDocument(Document):
    sync: SyncDocument
    rejections: list[RejectionDocument]


class CheckStepDocument(Document):
    name: str
    status: Literal["passed", "failed", "skipped", "warning"]
    detail: str = ""
    remedy: str = ""


class CheckDocument(Document):
    name: str
    kind: Literal["source", "destination", "model"]
    type: str
    steps: list[CheckStepDocument]
    ok: bool


class ChecksDocument(Document):
    checks: list[CheckDocument]
    error: ErrorDocument | None = None
    """What ended the command after these; left out where nothing did."""


class ProblemDocument(Document):
    code: str
    message: str
    hint: str = ""
    where: str | None = None


class ValidateDocument(Document):
    valid: bool
    problems: list[ProblemDocument]


class GrantsDocument(Document):
    source: str
    statements: str


class MappingDocument(Document):
    mapping: str
    model: str
    source: str
    destination: str
    action: str
    mode: list[str]
    enabled: bool
    schedule: str | None = None
    last: SyncDocument | None = None


class MappingsDocument(Document):
    mappings: list[MappingDocument]


class FieldDocument(Document):
    name: str
    label: str
    help: str = ""
    type: str
    required: bool = False
    default: Any = None
    secret: bool = False


class CatalogueEntryDocument(Document):
    type: str
    title: str
    description: str = ""
    settings: list[FieldDocument]
    actions: list[str] = Field(default_factory=list)


class CatalogueDocument(Document):
    kind: Literal["sources", "destinations"]
    entries: list[CatalogueEntryDocument]


class ColumnDocument(Document):
    name: str
    kind: str
    native: str


class PreviewDocument(Document):
    model: str
    columns: list[ColumnDocument]
    rows: list[dict[str, Any]]


class ChangeDocument(Document):
    """One record of a plan: what changed in the model, and the payload as it would be sent."""

    operation: str
    key: str
    old: dict[str, Any] | None = None
    new: dict[str, Any] | None = None
    payload: Any = None
    problem: str | None = None
    """Set where the mapping refuses this record; it would be rejected before it is sent."""


class GuardDocument(Document):
    name: str
    limit: str
    value: str
    passed: bool


class SetAsideDocument(Document):
    reason: Literal["null", "empty", "blank", "long", "repeated"]
    key: str | None
    rows: int


class PlanDocument(Document):
    plan: str
    """SHA-256 over the ordered canonical JSON of (operation, key, rendered payload): pass it to `sync --plan`."""
    mapping: str
    destination: str
    action: str
    mode: list[str]
    counts: Counts
    first: bool
    """No sync of this mapping was committed yet."""
    interrupted: bool = False
    blocked: bool = False
    guards: list[GuardDocument] = Field(default_factory=list)
    changes: list[ChangeDocument] = Field(default_factory=list)
    """Samples of each operation, not all of them."""
    set_aside: list[SetAsideDocument] = Field(default_factory=list)
    render_differs: int | None = None
    """Records that render differently since the mapping was edited (R17)."""
    requests: int = 0
    cost: dict[str, Any] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)
    statements: list[str] = Field(default_factory=list)
    error: ErrorDocument | None = None


class PlansDocument(Document):
    plans: list[PlanDocument]
    error: ErrorDocument | None = None
    """What ended the command after these; left out where nothing did."""


class SendDocument(Document):
    mapping: str
    key: str
    operation: str
    outcome: str
    request: dict[str, Any]
    """Method, url (secrets hidden), headers (secrets hidden) and body."""
    answer: dict[str, Any] | None = None
    message: str = ""


class AttemptDocument(Document):
    sync: str
    at: str
    operation: str
    outcome: str
    code: str = ""
    message: str = ""
    payload: str | None = None
    answer: str | None = None
    attempts: int = 1


class WhyDocument(Document):
    mapping: str
    key: str
    verdict: str
    """One sentence: what the next sync will do with this record, and why."""
    model: list[dict[str, Any]]
    """The model's rows with this key: none, one, or several (then the key is repeated)."""
    state: dict[str, Any] | None = None
    """The record as delivered: values, sync, time, whether uncertain."""
    change: str | None = None
    """added, updated, deleted, unchanged, set_aside, quarantined or not_sent."""
    changed_columns: list[str] = Field(default_factory=list)
    payload: Any = None
    problem: str | None = None
    quarantine: RejectionDocument | None = None
    attempts: list[AttemptDocument] = Field(default_factory=list)


class ActionDocument(Document):
    """What approve --no-run, discard, cancel, reset, resend and release answer."""

    action: str
    mapping: str
    sync: str | None = None
    records: int | None = None
    message: str = ""


class InitDocument(Document):
    project: str
    source: str
    files: list[str]
    """Written, relative to the project's folder."""
    grants: str = ""


class DemoStepDocument(Document):
    command: str
    exit_code: int


class DemoDocument(Document):
    folder: str
    steps: list[DemoStepDocument]
    receiver: dict[str, Any]
    """What the receiver holds at the end, and what it saw."""
    equal: bool
    """Does the receiver hold exactly what the model says, the refused record aside?"""
