"""Commands that look at what is configured, without sending anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tailrace.cli import exits
from tailrace.cli.command import command
from tailrace.cli.commands.arguments import MODEL, SOURCE
from tailrace.cli.context import Invocation, workspace_class
from tailrace.cli.help import LOOK
from tailrace.cli.several import Collected

if TYPE_CHECKING:
    from tailrace.service.documents import CheckDocument


@command(
    LOOK,
    answers="ValidateDocument",
    examples=[
        ("tailrace validate", "Are the files right? Connects nowhere: made for pull requests"),
        ("tailrace validate --env production", "With tailrace.production.yml merged in"),
    ],
)
def validate(run: Invocation) -> int:
    """Check the files without connecting anywhere: every mistake with its file, line and remedy."""
    import os

    document = workspace_class().validate(run.folder, run.environment, os.environ)
    if run.out.json:
        run.out.document(document)
    elif document.valid and not document.problems:
        if not run.out.quiet:
            run.out.text("✓ The files are valid.\n")
    else:
        from tailrace.cli.render.tables import problem

        for each in document.problems:
            run.out.print(*problem(each))
    return exits.SUCCESS if document.valid else exits.USAGE


@command(
    LOOK,
    answers="",
    examples=[
        ("tailrace schema > tailrace.schema.json", "Then, as the first line of tailrace.yml:"),
        ("# yaml-language-server: $schema=tailrace.schema.json", "completion and checks in the editor"),
    ],
)
def schema(run: Invocation) -> int:
    """Print the JSON Schema of tailrace.yml, for editors."""
    run.out.text(json.dumps(workspace_class().schema(), indent=2, ensure_ascii=False) + "\n")
    return exits.SUCCESS


@command(
    LOOK,
    answers="ChecksDocument",
    examples=[
        ("tailrace check", "Everything: sources, models, destinations"),
        ("tailrace check warehouse crm", "Only these"),
        ("tailrace check warehouse --deep", "Sync made-up records through a source, to this machine"),
    ],
)
def check(
    run: Invocation,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", show_default=False, help="Sources, models or destinations; all if none."
        ),
    ] = None,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep",
            help="Sources only: sync records that are made up through tables of its own, dropped at the end.",
        ),
    ] = False,
) -> int:
    """Test sources, models and destinations step by step, each failed step with its remedy."""
    collected: Collected[CheckDocument] = Collected()
    with run.workspace() as workspace:
        for document in collected.each(workspace.check(names or [], deep=deep)):
            if not run.out.json and not (run.out.quiet and document.ok):
                from tailrace.cli.render.tables import check as rendered

                run.out.print(*rendered(document))
    if run.out.json:
        run.out.document(collected.document("checks"))
    codes = [exits.SUCCESS if document.ok else exits.FAILED for document in collected.documents]
    return exits.worst([*codes, *collected.failed(run)])


@command(
    LOOK,
    answers="GrantsDocument",
    examples=[
        ("tailrace grants warehouse", "What an administrator must run before `check` passes"),
        (
            "tailrace grants warehouse --user tailrace --schemas shop,crm",
            "For this user, to read these schemas",
        ),
        ("tailrace grants warehouse | psql shop", "Runnable as printed"),
    ],
)
def grants(
    run: Invocation,
    source: SOURCE,
    user: Annotated[
        str | None,
        typer.Option("--user", metavar="NAME", show_default=False, help="The user Tailrace logs in as."),
    ] = None,
    role: Annotated[
        str | None,
        typer.Option("--role", metavar="NAME", show_default=False, help="Grant to this role instead."),
    ] = None,
    schemas: Annotated[
        str | None,
        typer.Option("--schemas", metavar="A,B", show_default=False, help="Schemas that models read from."),
    ] = None,
) -> int:
    """Print the statements or roles that an administrator grants, names filled in."""
    wanted = [name.strip() for name in (schemas or "").split(",") if name.strip()]
    with run.workspace() as workspace:
        document = workspace.grants(source, user, role, wanted)
    if run.out.json:
        run.out.document(document)
    else:
        run.out.text(document.statements.rstrip() + "\n")
    return exits.SUCCESS


@command(
    LOOK, answers="MappingsDocument", examples=[("tailrace ls", "Mappings, and how their last sync ended")]
)
def ls(run: Invocation) -> int:
    """List the mappings with the status of their last sync."""
    with run.workspace() as workspace:
        document = workspace.mappings()
    if run.out.json:
        run.out.document(document)
    else:
        from tailrace.cli.render.tables import mappings

        run.out.print(mappings(document))
    return exits.SUCCESS


@command(
    LOOK,
    answers="CatalogueDocument",
    examples=[("tailrace sources", "Which warehouses, with which settings?")],
)
def sources(run: Invocation) -> int:
    """List the types of sources with their settings."""
    return _catalogue(run, "sources")


@command(
    LOOK,
    answers="CatalogueDocument",
    examples=[("tailrace destinations", "Which tools, with which actions?")],
)
def destinations(run: Invocation) -> int:
    """List the types of destinations with their settings and actions."""
    return _catalogue(run, "destinations")


@command(
    LOOK,
    answers="PreviewDocument",
    examples=[
        ("tailrace preview customers --limit 3", "The first three records of a model, and its columns")
    ],
)
def preview(
    run: Invocation,
    model: MODEL,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="How many [10].")] = 10,
) -> int:
    """Show the first records of a model, and the types of its columns."""
    with run.workspace() as workspace:
        document = workspace.preview(model, limit)
    if run.out.json:
        run.out.document(document)
    else:
        from tailrace.cli.render.tables import preview as rendered

        run.out.print(*rendered(document))
    return exits.SUCCESS


def _catalogue(run: Invocation, kind: Literal["sources", "destinations"]) -> int:
    document = workspace_class().catalogue(kind)
    if run.out.json:
        run.out.document(document)
    else:
        from tailrace.cli.render.tables import catalogue

        run.out.print(*catalogue(document))
    return exits.SUCCESS
