"""The names of one mapping's tables in the managed schema."""

from __future__ import annotations

from dataclasses import dataclass

META = "tailrace_meta"
SYNC_LOG = "sync_log"


@dataclass(frozen=True, slots=True)
class Renamed:
    """Who a renamed mapping was before: a project and an id in it, in the same environment."""

    project: str
    environment: str | None
    mapping: str


@dataclass(frozen=True, slots=True)
class StateNames:
    """Where one mapping's state stands: the managed schema and the mapping's `<id>`."""

    schema: str
    id: str
    renamed: Renamed | None = None

    @property
    def records(self) -> str:
        return f"records_{self.id}"

    @property
    def checkpoints(self) -> str:
        return f"checkpoints_{self.id}"

    @property
    def progress(self) -> str:
        return f"progress_{self.id}"

    @property
    def rejections(self) -> str:
        return f"rejections_{self.id}"

    @property
    def meta(self) -> str:
        return META

    @property
    def sync_log(self) -> str:
        return SYNC_LOG

    def changes(self, n: int, attempt: str | int) -> str:
        """The plan table of sync number `n`; no two attempts share one (R4)."""
        return f"{self.changes_prefix}{n}_{attempt}"

    @property
    def changes_prefix(self) -> str:
        """What the names of all plan tables of this mapping begin with."""
        return f"changes_{self.id}_"
