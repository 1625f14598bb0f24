"""What Tailrace asks of a warehouse: a Source to open, a Session to talk to it, and facts about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from tailrace.columns import Column, Kind

if TYPE_CHECKING:
    import pyarrow as pa

    from tailrace.sources.dialect import Dialect


__all__ = [
    "CheckStep",
    "Column",
    "GrantsTables",
    "Job",
    "Kind",
    "Limits",
    "Patient",
    "Priced",
    "ReadsDirty",
    "Remarking",
    "Session",
    "Source",
    "StepStatus",
    "hurry",
    "reads_dirty",
    "remarks",
]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model may be, at least as wide as the field's own limits."""

    query_characters: int = 65_535
    columns: int = 512
    column_name_characters: int = 128
    record_bytes: int = 512 * 1024
    value_bytes: int = 128 * 1024
    identifier_bytes: int = 63
    query_words: tuple[str, ...] = ("SELECT", "WITH", "VALUES", "TABLE")
    """What a query may begin with."""
    scan: re.Pattern[str] | None = None
    """How its SQL is cut into tokens (`statement.scanner`); None: as PostgreSQL's and DuckDB's."""


StepStatus = Literal["passed", "failed", "skipped", "warning"]


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One named step of a connection test, with its remedy where it failed."""

    name: str
    status: StepStatus
    detail: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A running statement as the warehouse knows it, so that another process can cancel it (R3)."""

    id: str
    attributes: dict[str, str] = field(default_factory=dict)


class Session(Protocol):
    """One conversation with the warehouse; statements outside `transaction` commit by themselves."""

    @property
    def job(self) -> Job | None:
        """How another process would cancel what this session runs; None where nothing outlives its client."""
        ...

    def execute(self, statement: str) -> int:
        """Run one statement and give the number of rows it touched."""
        ...

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one small query and give its rows."""
        ...

    def read(self, statement: str) -> pa.RecordBatchReader:
        """Run one query and stream its result as Arrow, in bounded batches, as one statement.

        It sees the stages of this session, where its dialect has any.
        """
        ...

    def upload(self, table: str, data: pa.Table) -> int:
        """Append rows to a managed table by the warehouse's bulk path; `table` is its unqualified name."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Everything inside becomes visible at once, or not at all."""
        ...

    def cancel(self) -> None:
        """Stop the running statement; may be called from another thread."""
        ...


class Source(Protocol):
    """A configured warehouse. Opening it costs nothing until a session is asked for."""

    name: str
    type: str
    schema: str
    remember: Literal["values", "checksum"]
    commit_interval: float
    limits: Limits
    dialect: Dialect

    def check(self) -> Iterator[CheckStep]:
        """Test the connection step by step, by doing; steps that need a failed one are skipped."""
        ...

    def grants(self, user: str | None, role: str | None, schemas: Sequence[str]) -> str:
        """What an administrator runs so that `check` passes, names filled in, runnable as printed."""
        ...

    def session(self, *, model: bool = False) -> AbstractContextManager[Session]:
        """Open a session; with `model`, the user's own tables are readable too."""
        ...

    def describe(self, sql: str) -> list[Column]:
        """The columns of a model's statement, found without running it. Raises ModelError."""
        ...

    def preview(self, sql: str, limit: int) -> pa.Table:
        """The first records of a model's statement."""
        ...

    def cancel(self, job: Job) -> None:
        """Cancel what another process of ours left running; no error if it is gone."""
        ...


@runtime_checkable
class Priced(Protocol):
    """What a source has beside, whose warehouse tells beforehand what a query costs."""

    def cost(self, statement: str) -> dict[str, Any]:
        """By name, what running it would cost; nothing is run. Raises SourceError."""
        ...


@runtime_checkable
class Remarking(Protocol):
    """What a source has beside that may have to do something otherwise than it is configured."""

    def remarks(self) -> Sequence[str]:
        """What its user should know of that, each in a sentence; nothing is asked for it."""
        ...


def remarks(source: Source) -> Sequence[str]:
    """What the user should know of how a source was used so far."""
    return source.remarks() if isinstance(source, Remarking) else ()


@runtime_checkable
class Patient(Protocol):
    """What a source has beside that tries again for a while when its warehouse is away or in use."""

    def hurry(self) -> None:
        """From now on, hardly wait: what waits is Cancelled, what comes is tried once or briefly. Any thread may call it."""
        ...


def hurry(source: Source) -> None:
    """Let a source that somebody wants to stop wait no more for a warehouse that is away or in use."""
    if isinstance(source, Patient):
        source.hurry()


@runtime_checkable
class GrantsTables(Protocol):
    """What a source has beside, in which the right to read is granted table by table."""

    def table_grants(self, models: Sequence[str], user: str | None, role: str | None) -> str:
        """The statements that let a user or role read the tables that these models, or filters of them, select from."""
        ...


@runtime_checkable
class ReadsDirty(Protocol):
    """What a source has beside, whose queries may see what others have not committed."""

    def reads_dirty(self, session: Any) -> bool:
        """Whether they do now. Raises SourceError."""
        ...


def reads_dirty(source: Source, session: Session) -> bool:
    """Whether a model may see rows of others that are not committed, so that deletes are looked at twice (R5)."""
    return isinstance(source, ReadsDirty) and source.reads_dirty(session)
