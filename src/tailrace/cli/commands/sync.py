"""`sync` and `send`: what reaches a destination."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tailrace.cli import exits
from tailrace.cli.command import command
from tailrace.cli.commands.arguments import MAPPING, SOME_MAPPINGS
from tailrace.cli.context import Invocation
from tailrace.cli.help import RUN
from tailrace.cli.several import Collected, require_mappings
from tailrace.errors import ConfigError

if TYPE_CHECKING:
    from tailrace.service.documents import SyncDocument
    from tailrace.service.workspace import Workspace


@command(
    RUN,
    answers="SyncsDocument",
    examples=[
        ("tailrace sync", "Every enabled mapping"),
        ("tailrace sync customers_to_crm", "One mapping"),
        (
            "tailrace sync customers_to_crm --plan ID",
            "Only if what there is to send equals the reviewed plan",
        ),
        ("tailrace sync customers_to_crm --limit 10", "Try a new mapping on ten records"),
        ("tailrace sync --json | jq '.syncs[].counts'", "For programs"),
    ],
)
def sync(
    run: Invocation,
    mappings: SOME_MAPPINGS = None,
    plan_id: Annotated[
        str | None,
        typer.Option(
            "--plan", metavar="ID", show_default=False, help="Send only if the plan is still this one."
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", min=1, show_default=False, help="Send only the first N records."
        ),
    ] = None,
) -> int:
    """Finish what was interrupted, then find what changed and deliver it.

    Ctrl-C stops gracefully: what is in flight is waited for and remembered; twice stops at once. Either way,
    and after a crash, the next sync goes on without loss.
    """
    names = mappings or []
    with run.workspace() as workspace:
        require_mappings(workspace, names)
        if plan_id:
            names = _the_only_one(workspace, names)
        return run_sync(run, workspace, names, plan_id=plan_id, limit=limit)


def run_sync(
    run: Invocation, workspace: Workspace, names: Sequence[str], *, plan_id: str | None, limit: int | None
) -> int:
    """Run syncs with progress and signals, show their results, and give the exit code."""
    from tailrace.cli.render.progress import SyncDisplay
    from tailrace.cli.signals import stop_on_signals
    from tailrace.runtime.stop import StopSignal

    stop = StopSignal()
    collected: Collected[SyncDocument] = Collected()
    with SyncDisplay(run.out, stop) as display:
        say = _nothing if run.out.live else _to_stderr
        with stop_on_signals(stop, say):
            documents = workspace.sync(names, plan_id=plan_id, limit=limit, on_event=display, stop=stop)
            for document in collected.each(documents):
                display.clear()
                if not run.out.json:
                    _show(run, document, display.said)
    if run.out.json:
        run.out.document(collected.document("syncs"))
    elif not collected.documents and not run.out.quiet:
        run.out.note("No mapping is enabled: nothing to do.")
    codes = [exits.of_sync(document) for document in collected.documents]
    cancelled = [exits.CANCELLED] if stop.graceful else []
    return exits.worst([*codes, *cancelled, *collected.failed(run)])


@command(
    RUN,
    answers="SendDocument",
    examples=[("tailrace send customers_to_crm --key 42", "Send customer 42 as a test and see the answer")],
)
def send(
    run: Invocation,
    mapping: MAPPING,
    key: Annotated[str, typer.Option("--key", metavar="KEY", help="The record's unique identifier.")],
) -> int:
    """Send one record as a test, and show the request, the answer and the outcome; no state changes."""
    with run.workspace() as workspace:
        require_mappings(workspace, [mapping])
        document = workspace.send(mapping, key)
    if run.out.json:
        run.out.document(document)
    else:
        from tailrace.cli.render.records import send as rendered

        run.out.print(*rendered(document))
    return exits.of_outcome(document.outcome)


def _show(run: Invocation, document: SyncDocument, said: set[str]) -> None:
    from tailrace.cli.render.syncs import result

    if run.out.quiet and document.status == "success":
        return
    run.out.print(*result(document, said))
    counts = document.counts
    error = document.error
    if document.status == "blocked" and error is not None and f"approve {document.sync}" in error.hint:
        run.next("Look at it", "show", document.sync)
        run.next("Allow it", "approve", document.sync)
    elif counts.rejected:
        run.next("Why", "rejections", document.mapping)
    elif counts.unknown:
        run.next("Why", "show", document.sync)
    elif document.status in ("cancelled", "interrupted"):
        run.next("Go on", "sync", document.mapping)


def _the_only_one(workspace: Workspace, names: Sequence[str]) -> Sequence[str]:
    """The one mapping that a plan belongs to; raises ConfigError where there are several."""
    chosen = names or [each.mapping for each in workspace.mappings().mappings if each.enabled]
    if len(chosen) != 1:
        raise ConfigError(
            "--plan belongs to one mapping", hint="Name the mapping that was planned.", code="usage"
        )
    return chosen


def _to_stderr(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _nothing(text: str) -> None:
    """The progress bar says it."""
