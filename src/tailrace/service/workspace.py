"""The use cases of one project: all that the command line, the API and the web pages may ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from tailrace.clock import Clock, SystemClock
from tailrace.errors import ConfigError, TailraceError
from tailrace.spec.load import load_project
from tailrace.spec.project import Project
from tailrace.spec.suggest import did_you_mean

if TYPE_CHECKING:
    from tailrace.runtime.events import Event
    from tailrace.runtime.stop import StopSignal
    from tailrace.service import documents as doc
    from tailrace.store.store import Store


class Workspace:
    """An opened project. The control store is opened when it is first needed. Use it as a context manager."""

    def __init__(self, project: Project, environ: Mapping[str, str], clock: Clock) -> None:
        self.project = project
        self.environ = environ
        self.clock = clock
        self._store: Store | None = None

    @classmethod
    def open(cls, folder: Path, environment: str | None, environ: Mapping[str, str]) -> Workspace:
        """Read the project in `folder`; raises ConfigErrors where its files are wrong."""
        return cls(load_project(folder.resolve(), environment, environ), environ, SystemClock())

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the control store."""
        if self._store is not None:
            self._store.close()
            self._store = None

    @property
    def store(self) -> Store:
        """The control store, made on demand; raises StoreError, ConfigError."""
        if self._store is None:
            from tailrace.store.store import open_store

            self._store = open_store(self.project.folder, self.environ, self.clock)
        return self._store

    # -- names

    def mapping_names(self, names: Sequence[str]) -> list[str]:
        """The mappings that are meant: those named, or all that are enabled. Raises ConfigError."""
        known = self.project.mappings
        for name in names:
            self.require_mapping(name)
        return list(names) or [name for name, mapping in known.items() if mapping.enabled]

    def require_mapping(self, name: str) -> None:
        """Raises ConfigError where there is no such mapping."""
        if name not in self.project.mappings:
            raise ConfigError(
                f"There is no mapping named `{name}`.",
                hint=did_you_mean(name, self.project.mappings),
                code="mapping_unknown",
            )

    # -- files

    @staticmethod
    def validate(folder: Path, environment: str | None, environ: Mapping[str, str]) -> doc.ValidateDocument:
        """Check the files without connecting anywhere."""
        from tailrace.service.validation import validate

        return validate(folder.resolve(), environment, environ)

    @staticmethod
    def schema() -> dict[str, Any]:
        """The JSON Schema of the files."""
        from tailrace.service.catalogue import files_schema

        return files_schema()

    @staticmethod
    def catalogue(kind: Literal["sources", "destinations"]) -> doc.CatalogueDocument:
        """The types of sources or destinations that are installed."""
        from tailrace.service.catalogue import catalogue

        return catalogue(kind)

    # -- looking

    def check(self, names: Sequence[str], *, deep: bool = False) -> Iterator[doc.CheckDocument]:
        """Test sources, models and destinations step by step; `deep` runs a sync of made-up records on sources."""
        from tailrace.service.checks import check

        return check(self.project, names, self.environ, deep=deep)

    def grants(
        self, source: str, user: str | None, role: str | None, schemas: Sequence[str]
    ) -> doc.GrantsDocument:
        """What an administrator runs for a source."""
        from tailrace.service.inspection import grants

        return grants(self, source, user, role, schemas)

    def mappings(self) -> doc.MappingsDocument:
        """Every mapping with its last sync."""
        from tailrace.service.inspection import mappings

        return mappings(self)

    def preview(self, model: str, limit: int) -> doc.PreviewDocument:
        """The first records of a model."""
        from tailrace.service.inspection import preview

        return preview(self, model, limit)

    def plan(self, mappings: Sequence[str], *, statements: bool, samples: int) -> Iterator[doc.PlanDocument]:
        """What a sync would send now; reads only and leaves nothing.

        Raises what keeps a mapping from being planned, once all others had their turn.
        """
        from tailrace.service.failures import Failures
        from tailrace.service.plans import plan

        names = self.mapping_names(mappings)
        failures = Failures(names)
        for name in names:
            try:
                document = plan(self, name, statements=statements, samples=samples)
            except TailraceError as error:
                failures.add(name, error)
            else:
                yield document
        failures.end()

    # -- syncing

    def sync(
        self,
        mappings: Sequence[str],
        *,
        plan_id: str | None,
        limit: int | None,
        on_event: Callable[[Event], None],
        stop: StopSignal,
    ) -> Iterator[doc.SyncDocument]:
        """Finish what was interrupted, then plan and deliver, mapping after mapping."""
        from tailrace.service.syncing import sync

        names = self.mapping_names(mappings)
        return sync(self, names, plan_id=plan_id, limit=limit, on_event=on_event, stop=stop)

    def send(self, mapping: str, key: str) -> doc.SendDocument:
        """Send one record as a test; no state changes."""
        from tailrace.service.sending import send

        self.require_mapping(mapping)
        return send(self, mapping, key)

    # -- history

    def syncs(self, mapping: str | None, limit: int) -> doc.SyncsDocument:
        """The newest syncs first."""
        from tailrace.service.history import syncs

        return syncs(self, mapping, limit)

    def show(self, sync: str) -> doc.ShowDocument:
        """One sync with its counts and what was refused."""
        from tailrace.service.history import show

        return show(self, sync)

    def rejections(self, mapping: str) -> doc.RejectionsDocument:
        """The refused and quarantined records of a mapping."""
        from tailrace.service.records import rejections

        self.require_mapping(mapping)
        return rejections(self, mapping)

    def why(self, mapping: str, key: str) -> doc.WhyDocument:
        """All that is known of one record."""
        from tailrace.service.explanation import why

        self.require_mapping(mapping)
        return why(self, mapping, key)

    # -- deciding

    def release(self, mapping: str, key: str | None) -> doc.ActionDocument:
        """Let quarantined records go with the next sync."""
        from tailrace.service.records import release

        self.require_mapping(mapping)
        return release(self, mapping, key)

    def resend(self, mapping: str, keys: Sequence[str]) -> doc.ActionDocument:
        """Send records again with the next sync, all without keys."""
        from tailrace.service.records import resend

        self.require_mapping(mapping)
        return resend(self, mapping, keys)

    def reset(self, mapping: str) -> doc.ActionDocument:
        """Forget what was delivered: the next sync sends every record as added."""
        from tailrace.service.records import reset

        self.require_mapping(mapping)
        return reset(self, mapping)

    def accept(self, mapping: str) -> doc.ActionDocument:
        """Take a damaged state as it stands now, instead of forgetting it."""
        from tailrace.service.records import accept

        self.require_mapping(mapping)
        return accept(self, mapping)

    def approve(self, sync: str) -> doc.ActionDocument:
        """Approve a blocked sync, from any machine."""
        from tailrace.service.decisions import approve

        return approve(self, sync)

    def discard(self, sync: str) -> doc.ActionDocument:
        """Give an interrupted sync up; what was accepted is kept."""
        from tailrace.service.decisions import discard

        return discard(self, sync)

    def cancel(self, sync: str) -> doc.ActionDocument:
        """Ask a running sync to stop."""
        from tailrace.service.decisions import cancel

        return cancel(self, sync)
