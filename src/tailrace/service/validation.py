"""Checks a project's files without connecting anywhere, so that a pull request can be checked by them alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tailrace.errors import ConfigError, ConfigErrors, TailraceError
from tailrace.runtime.prepared import check_operations, place_setting, placed, placed_fields
from tailrace.service.documents import ProblemDocument, ValidateDocument
from tailrace.spec.load import load_project
from tailrace.spec.project import Project
from tailrace.spec.references import references_in, resolve


def validate(folder: Path, environment: str | None, environ: Mapping[str, str]) -> ValidateDocument:
    """Everything that is wrong in the files; settings whose references are not set here are not looked into."""
    try:
        project = load_project(folder, environment, environ)
    except ConfigErrors as errors:
        problems = list(errors.errors)
    else:
        problems = list(project_problems(project, environ))
    return ValidateDocument(valid=not problems, problems=[_document(problem) for problem in problems])


def project_problems(project: Project, environ: Mapping[str, str]) -> Iterator[ConfigError]:
    """What only the parts themselves can judge: settings, statements, actions and expressions."""
    for name in project.sources:
        yield from _collected(project, ("sources", name), _check_source, environ)
    for name in project.models:
        yield from _collected(project, ("models", name), _check_model, environ)
    for name in project.destinations:
        yield from _collected(project, ("destinations", name), _check_destination, environ)
    for name in project.mappings:
        yield from _collected(project, ("mappings", name), _check_mapping, environ)


def _collected(
    project: Project,
    path: tuple[str, str],
    check: Callable[[Project, str, Mapping[str, str]], None],
    environ: Mapping[str, str],
) -> Iterator[ConfigError]:
    try:
        check(project, path[1], environ)
    except ConfigErrors as errors:
        for error in errors.errors:
            yield place_setting(project, path, error)
    except ConfigError as error:
        yield place_setting(project, path, error)


def _settled(
    settings: Mapping[str, Any], project: Project, environ: Mapping[str, str]
) -> dict[str, Any] | None:
    """The settings resolved; None where a reference cannot be resolved here."""
    try:
        return resolve(settings, project.folder, environ)
    except ConfigErrors:
        if references_in(settings):
            return None
        raise


def _check_source(project: Project, name: str, environ: Mapping[str, str]) -> None:
    from tailrace.sources.registry import open_source, source_type

    spec = project.sources[name]
    source_type(spec.type)
    settings = _settled(spec.settings, project, environ)
    if settings is not None:
        open_source(spec, settings, project.folder)


def _check_model(project: Project, name: str, _environ: Mapping[str, str]) -> None:
    from tailrace.sources.registry import source_type
    from tailrace.sources.statement import model_statement

    model = project.models[name]
    try:
        limits = source_type(project.sources[model.source].type).limits
    except ConfigError:
        return  # the source tells that itself
    with placed(project, ("models", name, "sql")):
        model_statement(model.sql, limits)


def _check_destination(project: Project, name: str, environ: Mapping[str, str]) -> None:
    from tailrace.destinations.registry import destination_type

    spec = project.destinations[name]
    declaration = destination_type(spec.type)
    settings = _settled(spec.settings, project, environ)
    if settings is not None:
        declaration.configure(settings, where=f"destinations.{name}")


def _check_mapping(project: Project, name: str, _environ: Mapping[str, str]) -> None:
    from tailrace.destinations.registry import destination_type
    from tailrace.mapping.parse import check_fields

    mapping = project.mappings[name]
    try:
        declaration = destination_type(project.destinations[mapping.destination].type)
    except ConfigError:
        pass  # the destination tells that itself
    else:
        check_operations(project, mapping, declaration.action(mapping.action))
    with placed_fields(project, name):
        check_fields(mapping.fields)


def _document(problem: TailraceError) -> ProblemDocument:
    return ProblemDocument(
        code=problem.code,
        message=problem.message,
        hint=problem.hint,
        where=str(problem.where) if problem.where else None,
    )
