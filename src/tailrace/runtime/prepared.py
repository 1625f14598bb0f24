"""Brings together what one mapping needs to run: its source, model, destination and compiled expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tailrace.destinations.define import Action, Destination
from tailrace.destinations.fields import Settings
from tailrace.destinations.registry import destination_type
from tailrace.errors import ConfigError, ConfigErrors, ModelError, SourceError, Where
from tailrace.ids import digest
from tailrace.sources.base import Column, Source
from tailrace.sources.registry import open_source
from tailrace.spec.mapping import MappingSpec
from tailrace.spec.model import ModelSpec
from tailrace.spec.project import Project
from tailrace.spec.references import resolve
from tailrace.state.names import Renamed, StateNames

if TYPE_CHECKING:
    from tailrace.mapping.compile import CompiledMapping
    from tailrace.state.checkpoint import Remember


@dataclass(frozen=True, slots=True)
class Target:
    """A destination with its settings resolved, and the action that a mapping uses."""

    name: str
    declaration: Destination
    action: Action
    settings: Settings
    written: Mapping[str, Any]
    """The settings as in the files, references unresolved."""

    @property
    def identity(self) -> str:
        """Which account of which tool this is (R18)."""
        return f"{self.declaration.type}:{self.declaration.identity(self.settings)}"

    @property
    def settings_digest(self) -> str:
        """Changes with any setting: then quarantined records may go again (R23)."""
        listed = [f"{name}={self.settings[name]!r}" for name in sorted(self.settings)]
        return digest(self.declaration.type, self.action.name, *listed)


@dataclass(frozen=True, slots=True)
class Bound:
    """One mapping between its source and its destination: enough to go on with a plan that is sealed."""

    project: Project
    mapping: MappingSpec
    model: ModelSpec
    source: Source
    target: Target
    names: StateNames


@dataclass(frozen=True, slots=True)
class Prepared(Bound):
    """One mapping, ready to plan: the model's columns are known, its expressions compiled."""

    statement: str
    """The model's SQL, one statement without its semicolon."""
    columns: tuple[Column, ...]
    key: tuple[Column, ...]
    compiled: CompiledMapping
    remember: Remember

    @property
    def used(self) -> tuple[Column, ...]:
        """The columns that the mapping reads, in the model's order."""
        wanted = set(self.compiled.used_columns)
        return tuple(column for column in self.columns if column.name in wanted)


def project_source(project: Project, name: str, environ: Mapping[str, str]) -> Source:
    """A source of the project; connects nowhere. Raises ConfigError."""
    spec = project.sources[name]
    settings = resolve(
        spec.settings,
        project.folder,
        environ,
        locate=lambda path: project.location(("sources", name, *path)),
    )
    with placed_settings(project, ("sources", name)):
        return open_source(spec, settings, project.folder)


def project_target(
    project: Project,
    name: str,
    action: str,
    environ: Mapping[str, str],
    written: Mapping[str, Any] | None = None,
) -> Target:
    """A destination of the project; `written` replaces its settings (those pinned with a plan). Raises ConfigError."""
    spec = project.destinations[name]
    chosen = dict(spec.settings if written is None else written)
    with placed_settings(project, ("destinations", name)):
        declaration = destination_type(spec.type)
    settings = resolve(
        chosen,
        project.folder,
        environ,
        locate=lambda path: project.location(("destinations", name, *path)),
    )
    with placed_settings(project, ("destinations", name)):
        configured = declaration.configure(settings, where=f"destinations.{name}")
    return Target(name, declaration, declaration.action(action), configured, chosen)


def state_names(project: Project, mapping: MappingSpec, source: Source) -> StateNames:
    """The names of a mapping's managed tables, as its files alone say; `renames` follows earlier renames."""
    before = project.renamed(mapping)
    renamed = Renamed(before[0], project.environment, before[1]) if before else None
    return StateNames(source.schema, project.state_id(mapping), renamed)


def check_operations(project: Project, mapping: MappingSpec, action: Action) -> None:
    """Hold that the action can do what the mode asks. Raises ConfigError."""
    missing = sorted(mapping.operations - action.operations)
    if missing:
        raise ConfigError(
            f"The action `{action.name}` cannot send {' or '.join(missing)} records.",
            hint=f"It can send: {', '.join(sorted(action.operations))}. Change the mapping's `mode`.",
            where=project.location(("mappings", mapping.name, "mode")),
        )


def bind(project: Project, name: str, environ: Mapping[str, str], source: Source | None = None) -> Bound:
    """What the files say of a mapping's source and destination; connects nowhere. Raises ConfigError."""
    mapping = project.mappings[name]
    model = project.models[mapping.model]
    source = source or project_source(project, model.source, environ)
    with placed(project, ("mappings", name, "action")):
        target = project_target(project, mapping.destination, mapping.action, environ)
    return Bound(project, mapping, model, source, target, state_names(project, mapping, source))


def prepare(
    project: Project, name: str, environ: Mapping[str, str], source: Source | None = None
) -> Prepared:
    """Connect to the source to learn the model's columns, and compile the mapping; `source` where it is open already.

    Raises ConfigError, SourceError.
    """
    from tailrace.sources.model import check_model
    from tailrace.sources.statement import model_statement

    bound = bind(project, name, environ, source)
    mapping, model, source, target = bound.mapping, bound.model, bound.source, bound.target
    check_operations(project, mapping, target.action)
    with placed(project, ("models", model.name, "sql")):
        statement = model_statement(model.sql, source.limits)
        columns = tuple(source.describe(statement))
    with placed(project, ("models", model.name, "key")):
        key = check_model(columns, model.key, source.limits)
    if mapping.where:
        _check_where(project, mapping, source, statement)
    compiled = compile_fields(project, mapping, columns, target.action)
    with placed(project, ("mappings", name, "fields")):
        _check_names(compiled)
    return Prepared(
        project=project,
        mapping=mapping,
        model=model,
        source=source,
        target=target,
        statement=statement,
        columns=columns,
        key=tuple(key),
        compiled=compiled,
        names=bound.names,
        remember=mapping.remember or source.remember,
    )


def _check_names(compiled: CompiledMapping) -> None:
    """Hold that no column that goes on its way has the name of one of ours beside it. Raises ModelError."""
    from tailrace.state.plan_read import is_own

    for name in compiled.used_columns:
        if is_own(name):
            raise ModelError(
                f"the mapping uses the column {name!r}, a name that Tailrace needs for itself",
                hint="Give it another name with AS in the model; `fields` can give it back its own.",
                code="model_columns",
            )


def _check_where(project: Project, mapping: MappingSpec, source: Source, statement: str) -> None:
    try:
        source.describe(
            f"SELECT * FROM {source.dialect.subquery(statement, 'model')} WHERE (\n{mapping.where}\n)"
        )
    except ModelError as error:
        raise ModelError(
            error.message,
            hint="Correct the condition; it speaks of the model's columns, in the source's SQL.",
            where=project.location(("mappings", mapping.name, "where")),
            code=error.code,
        ) from None


def compile_fields(
    project: Project, mapping: MappingSpec, columns: tuple[Column, ...], action: Action
) -> CompiledMapping:
    """Compile a mapping's fields, with the place in the files of whatever is wrong. Raises ConfigError."""
    from tailrace.mapping.compile import compile_mapping

    with placed_fields(project, mapping.name):
        return compile_mapping(mapping.fields, columns, action_fields=action.fields)


@contextmanager
def placed_fields(project: Project, mapping: str) -> Iterator[None]:
    """Give errors in a mapping's expressions their place in the files."""
    from tailrace.mapping.expression import FieldError

    try:
        yield
    except ConfigError as raised:
        for error in raised.errors if isinstance(raised, ConfigErrors) else [raised]:
            if isinstance(error, FieldError):
                path = tuple(str(step) for step in error.path)
                where = project.location(("mappings", mapping, "fields", *path))
                error.where = Where(where.file, where.line, error.where.field if error.where else None)
        if isinstance(raised, ConfigErrors):
            raised.where = raised.errors[0].where
        raise


@contextmanager
def placed_settings(project: Project, path: tuple[str, str]) -> Iterator[None]:
    """Give errors in the settings of a source or destination their place in the files."""
    try:
        yield
    except ConfigError as raised:
        for error in raised.errors if isinstance(raised, ConfigErrors) else [raised]:
            place_setting(project, path, error)
        if isinstance(raised, ConfigErrors):
            raised.where = raised.errors[0].where
        raise


def place_setting(project: Project, path: tuple[str, ...], error: ConfigError) -> ConfigError:
    """The error with a file and line; a setting's name in it leads to the line of that setting."""
    if error.where is not None and error.where.file:
        return error
    field = error.where.field if error.where else None
    below = re.findall(r"[^.\[\]]+", field.removeprefix(".".join(path))) if field else ()
    where = project.location((*path, *(int(step) if step.isdigit() else step for step in below)))
    error.where = Where(where.file, where.line, field or where.field)
    return error


@contextmanager
def placed(project: Project, path: tuple[str, ...]) -> Iterator[None]:
    """Give errors about a model the place of what they speak of; a line within its SQL counts from there."""
    try:
        yield
    except ConfigError as error:
        if error.where is None or error.where.file is None:
            where = project.location(path)
            inside = (error.where.line or 1) - 1 if error.where else 0
            line = where.line + inside if where.line is not None else None
            error.where = Where(where.file, line, where.field)
        raise


@contextmanager
def running_model(prepared: Prepared) -> Iterator[None]:
    """Give what fails while the warehouse runs a model the model's place, and where nothing else is said, what to do."""
    path = ("models", prepared.model.name, "sql")
    with placed(prepared.project, path):
        try:
            yield
        except SourceError as error:
            if error.code == "source_failed" and error.where is None:
                error.where = prepared.project.location(path)
                error.hint = error.hint or "Correct the model's SQL, if that is what failed."
            raise
