"""Tests sources, models and destinations for real, step by step, each failed step with its remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tailrace.clock import SystemClock
from tailrace.errors import ConfigError, TailraceError
from tailrace.runtime.prepared import prepare, project_source, project_target
from tailrace.service.documents import CheckDocument, CheckStepDocument
from tailrace.sources.base import CheckStep
from tailrace.spec.project import Project
from tailrace.spec.suggest import did_you_mean


def check(
    project: Project, names: Sequence[str], environ: Mapping[str, str], *, deep: bool = False
) -> Iterator[CheckDocument]:
    """Check what is named (sources, models, destinations; all without names): sources first, then who needs them.

    With `deep`, sources alone, and each by a sync of records that are made up.
    """
    known = [*project.sources, *project.models, *project.destinations]
    for name in names:
        if name not in known:
            mapping = project.mappings.get(name)
            raise ConfigError(
                f"There is no source, model or destination named `{name}`.",
                hint=f"It is a mapping: check its model and its destination, {mapping.model} {mapping.destination}."
                if mapping
                else did_you_mean(name, known),
                code="name_unknown",
            )
        if deep and name not in project.sources:
            raise ConfigError(
                f"`{name}` is no source, and only sources have a deep check.",
                hint=did_you_mean(name, project.sources),
                code="name_unknown",
            )
    broken: set[str] = set()
    for name in _chosen(project.sources, names):
        document = _check_source(project, name, environ, deep=deep)
        if not document.ok:
            broken.add(name)
        yield document
    if deep:
        return
    for name in _chosen(project.models, names):
        yield _check_model(project, name, environ, skip=project.models[name].source in broken)
    for name in _chosen(project.destinations, names):
        yield _check_destination(project, name, environ)


def _chosen(section: Mapping[str, object], names: Sequence[str]) -> list[str]:
    return [name for name in section if not names or name in names]


def _document(name: str, kind: str, type_name: str, steps: Sequence[CheckStepDocument]) -> CheckDocument:
    return CheckDocument(
        name=name,
        kind=kind,  # pyright: ignore[reportArgumentType]
        type=type_name,
        steps=list(steps),
        ok=all(step.status != "failed" for step in steps),
    )


def _step(step: CheckStep) -> CheckStepDocument:
    return CheckStepDocument(name=step.name, status=step.status, detail=step.detail, remedy=step.remedy)


def _failed(name: str, error: TailraceError) -> CheckStepDocument:
    detail = f"{error.message} ({error.where})" if error.where else error.message
    return CheckStepDocument(name=name, status="failed", detail=detail, remedy=error.hint)


def _check_source(project: Project, name: str, environ: Mapping[str, str], *, deep: bool) -> CheckDocument:
    spec = project.sources[name]
    try:
        source = project_source(project, name, environ)
        steps = [_step(step) for step in source.check()]
        if deep and all(step.status != "failed" for step in steps):
            from tailrace.service.deep_check import deep_check

            steps += deep_check(project, name, environ)
    except TailraceError as error:
        steps = [_failed("settings", error)]
    return _document(name, "source", spec.type, steps)


def _check_model(project: Project, name: str, environ: Mapping[str, str], *, skip: bool) -> CheckDocument:
    from tailrace.sources.model import check_model
    from tailrace.sources.statement import model_statement

    model = project.models[name]
    type_name = project.sources[model.source].type
    if skip:
        step = CheckStepDocument(name="columns", status="skipped", detail=f"source {model.source} failed")
        return _document(name, "model", type_name, [step])
    steps: list[CheckStepDocument] = []
    step_name = "statement"
    try:
        source = project_source(project, model.source, environ)
        statement = model_statement(model.sql, source.limits)
        steps.append(CheckStepDocument(name=step_name, status="passed", detail="one query"))
        step_name = "columns"
        columns = source.describe(statement)
        steps.append(CheckStepDocument(name=step_name, status="passed", detail=f"{len(columns)} columns"))
        step_name = "unique identifier"
        key = check_model(columns, model.key, source.limits)
        shown = ", ".join(f"{column.name} ({column.native})" for column in key)
        steps.append(CheckStepDocument(name=step_name, status="passed", detail=shown))
        for mapping in project.mappings.values():
            if mapping.model == name:
                step_name = f"mapping {mapping.name}"
                prepared = prepare(project, mapping.name, environ)
                used = len(prepared.compiled.used_columns)
                steps.append(
                    CheckStepDocument(name=step_name, status="passed", detail=f"reads {used} columns")
                )
    except TailraceError as error:
        steps.append(_failed(step_name, error))
    return _document(name, "model", type_name, steps)


def _check_destination(project: Project, name: str, environ: Mapping[str, str]) -> CheckDocument:
    from tailrace.delivery.single import probe_destination

    spec = project.destinations[name]
    try:
        from tailrace.destinations.registry import destination_type

        action = destination_type(spec.type).actions[0].name
        target = project_target(project, name, action, environ)
    except TailraceError as error:
        return _document(name, "destination", spec.type, [_failed("settings", error)])
    steps = [CheckStepDocument(name="settings", status="passed")]
    now = SystemClock().now().timestamp()
    steps += [
        _step(step) for step in probe_destination(target.declaration, target.settings, project.name, now)
    ]
    return _document(name, "destination", spec.type, steps)
