"""`plan`: what would be sent, without sending it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tailrace.cli import exits
from tailrace.cli.command import command
from tailrace.cli.commands.arguments import SOME_MAPPINGS
from tailrace.cli.context import Invocation
from tailrace.cli.help import RUN
from tailrace.cli.several import Collected, require_mappings

if TYPE_CHECKING:
    from tailrace.service.documents import PlanDocument


class Format(StrEnum):
    """How people want to read a plan."""

    TEXT = "text"
    MARKDOWN = "markdown"


@command(
    RUN,
    answers="PlansDocument",
    examples=[
        ("tailrace plan", "What would every enabled mapping send?"),
        ("tailrace plan customers_to_crm --samples 10", "One mapping, with ten records of each operation"),
        ("tailrace plan --exit-code --quiet", "In CI: 0 nothing to send, 6 changes, 4 a guard would block"),
        ("tailrace plan --format markdown > plan.md", "As a comment on a pull request"),
        ("tailrace plan customers_to_crm --sql", "And the statements that it ran"),
    ],
)
def plan(
    run: Invocation,
    mappings: SOME_MAPPINGS = None,
    sql: Annotated[bool, typer.Option("--sql", help="Show the statements too.")] = False,
    exit_code: Annotated[
        bool,
        typer.Option(
            "--exit-code", help="End with 4 if a sync would be blocked, else 6 if there are changes."
        ),
    ] = False,
    samples: Annotated[
        int, typer.Option("--samples", metavar="N", min=0, help="Records to show of each operation [3].")
    ] = 3,
    format_: Annotated[
        Format, typer.Option("--format", metavar="text|markdown", help="Markdown suits pull requests [text].")
    ] = Format.TEXT,
) -> int:
    """Show what a sync would send, old and new values and payloads, without sending anything.

    Reads only: no fence is taken, nothing is left behind, and it works before the managed schema exists.
    """
    names = mappings or []
    collected: Collected[PlanDocument] = Collected()
    with run.workspace() as workspace:
        require_mappings(workspace, names)
        for document in collected.each(workspace.plan(names, statements=sql, samples=samples)):
            if not run.out.json and format_ is Format.TEXT:
                _show(run, document, first=len(collected.documents) == 1)
    codes = [exits.of_plan(document, exit_code) for document in collected.documents]
    if run.out.json:
        run.out.document(collected.document("plans"))
    elif format_ is Format.MARKDOWN:
        _markdown(run, collected.documents)
    elif len(collected.documents) > 1 and not run.out.quiet:
        from tailrace.cli.render.plan import summary

        run.out.print(*summary(collected.documents))
    return exits.worst([*codes, *collected.failed(run)])


def _show(run: Invocation, document: PlanDocument, first: bool) -> None:
    from rich.rule import Rule
    from rich.text import Text

    from tailrace.cli.render.counts import signed
    from tailrace.cli.render.plan import plan as rendered

    if run.out.quiet:
        blocked = "  blocked" if document.blocked else ""
        run.out.print(Text.assemble(document.mapping, "  ", signed(document.counts), blocked))
        return
    if not first:
        run.out.print("", Rule(style="dim"), "")
    run.out.print(*rendered(document))
    if document.blocked:
        run.next("Blocked: run it, then approve what it shows", "sync", document.mapping)
    elif document.counts.planned:
        run.next("Send exactly this", *_apply(document))


def _markdown(run: Invocation, documents: list[PlanDocument]) -> None:
    from tailrace.cli.render.plan_markdown import plans

    only = run.command(*_apply(documents[0])) if len(documents) == 1 else ""
    run.out.text(plans(documents, only))


def _apply(document: PlanDocument) -> tuple[str, ...]:
    return ("sync", document.mapping, "--plan", document.plan)
