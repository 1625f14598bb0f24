"""Looks at a project's parts: grants, mappings with their last sync, first records of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tailrace.columns import rows_of
from tailrace.errors import ConfigError
from tailrace.service.conversion import plain_values, sync_document
from tailrace.service.documents import (
    ColumnDocument,
    GrantsDocument,
    MappingDocument,
    MappingsDocument,
    PreviewDocument,
)
from tailrace.service.history import local_state_id
from tailrace.spec.suggest import did_you_mean

if TYPE_CHECKING:
    from tailrace.service.workspace import Workspace


def grants(
    workspace: Workspace, source: str, user: str | None, role: str | None, schemas: Sequence[str]
) -> GrantsDocument:
    """What an administrator runs so that `check` passes. Raises ConfigError."""
    from tailrace.runtime.prepared import project_source
    from tailrace.sources.base import GrantsTables

    project = workspace.project
    if source not in project.sources:
        hint = did_you_mean(source, project.sources)
        raise ConfigError(f"There is no source named `{source}`.", hint=hint, code="source_unknown")
    opened = project_source(project, source, workspace.environ)
    statements = opened.grants(user, role, schemas)
    if isinstance(opened, GrantsTables) and not schemas:
        models = {name: model.sql for name, model in project.models.items() if model.source == source}
        filters = [each.where for each in project.mappings.values() if each.where and each.model in models]
        statements += opened.table_grants([*models.values(), *filters], user, role)
    return GrantsDocument(source=source, statements=statements)


def mappings(workspace: Workspace) -> MappingsDocument:
    """Every mapping of the project, with the last sync that this control store knows of."""
    project = workspace.project
    listed: list[MappingDocument] = []
    for name, mapping in project.mappings.items():
        last = workspace.store.syncs.last(local_state_id(workspace, name))
        listed.append(
            MappingDocument(
                mapping=name,
                model=mapping.model,
                source=project.models[mapping.model].source,
                destination=mapping.destination,
                action=mapping.action,
                mode=sorted(mapping.operations),
                enabled=mapping.enabled,
                schedule=str(mapping.schedule) if mapping.schedule else None,
                last=sync_document(last, workspace.clock.now()) if last else None,
            )
        )
    return MappingsDocument(mappings=listed)


def preview(workspace: Workspace, model: str, limit: int) -> PreviewDocument:
    """The model's columns and first records, values as they would go on the wire. Raises ConfigError, SourceError."""
    from tailrace.runtime.prepared import placed, project_source
    from tailrace.sources.statement import model_statement

    project = workspace.project
    if model not in project.models:
        hint = did_you_mean(model, project.models)
        raise ConfigError(f"There is no model named `{model}`.", hint=hint, code="model_unknown")
    spec = project.models[model]
    source = project_source(project, spec.source, workspace.environ)
    with placed(project, ("models", model, "sql")):
        statement = model_statement(spec.sql, source.limits)
        columns = source.describe(statement)
        table = source.preview(statement, limit)
    rows = [plain_values(row, columns) for row in rows_of(table)]
    return PreviewDocument(
        model=model,
        columns=[
            ColumnDocument(name=column.name, kind=column.kind.value, native=column.native)
            for column in columns
        ],
        rows=rows,
    )
