"""Commands by which a person decides: approve, cancel, discard, release, resend, reset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tailrace.cli import exits
from tailrace.cli.command import command
from tailrace.cli.commands.arguments import MAPPING, SYNC
from tailrace.cli.commands.sync import run_sync
from tailrace.cli.context import Invocation, interactive
from tailrace.cli.help import REPAIR
from tailrace.cli.several import require_mappings
from tailrace.errors import ConfigError

if TYPE_CHECKING:
    from tailrace.service.documents import ActionDocument


@command(
    REPAIR,
    answers="SyncsDocument",
    examples=[
        ("tailrace approve 20260301-120000-3f9a2c", "Allow what a guard stopped, and sync at once"),
        ("tailrace approve 20260301-120000-3f9a2c --no-run", "Only record it; the next sync uses it"),
    ],
)
def approve(
    run: Invocation,
    sync: SYNC,
    no_run: Annotated[bool, typer.Option("--no-run", help="Only record the approval.")] = False,
) -> int:
    """Approve what a guard stopped and run the sync, planned anew, with its exit codes.

    The approval covers the counts that were shown, and at most a tenth more; it works from any machine.
    With --no-run and --json the answer is an action, else the syncs.
    """
    with run.workspace() as workspace:
        document = workspace.approve(sync)
        if no_run:
            _done(run, document)
            return exits.SUCCESS
        if not run.out.json:
            run.out.note(document.message or f"Approved {sync}.")
        return run_sync(run, workspace, [document.mapping], plan_id=None, limit=None)


@command(
    REPAIR,
    answers="ActionDocument",
    examples=[
        ("tailrace cancel 20260301-120000-3f9a2c", "Stop a running sync gracefully, from another terminal")
    ],
)
def cancel(run: Invocation, sync: SYNC) -> int:
    """Ask a running sync to stop: it waits for what is in flight and remembers it."""
    with run.workspace() as workspace:
        return _done(run, workspace.cancel(sync))


@command(
    REPAIR,
    answers="ActionDocument",
    examples=[("tailrace discard 20260301-120000-3f9a2c", "Give an interrupted sync up")],
)
def discard(run: Invocation, sync: SYNC) -> int:
    """Give up an interrupted sync: what was delivered is kept, the next sync plans anew."""
    with run.workspace() as workspace:
        return _done(run, workspace.discard(sync))


@command(
    REPAIR,
    answers="ActionDocument",
    examples=[
        ("tailrace release customers_to_crm", "Let all quarantined records go with the next sync"),
        ("tailrace release customers_to_crm --key 42", "Only this one"),
    ],
)
def release(
    run: Invocation,
    mapping: MAPPING,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", show_default=False, help="Only this record.")
    ] = None,
) -> int:
    """Let quarantined records go with the next sync instead of waiting."""
    with run.workspace() as workspace:
        require_mappings(workspace, [mapping])
        return _done(run, workspace.release(mapping, key))


@command(
    REPAIR,
    answers="ActionDocument",
    examples=[
        ("tailrace resend customers_to_crm --key 42 --key 43", "Send these again with the next sync"),
        ("tailrace resend customers_to_crm --yes", "Send everything again, say after the tool lost its data"),
    ],
)
def resend(
    run: Invocation,
    mapping: MAPPING,
    keys: Annotated[
        list[str] | None,
        typer.Option(
            "--key", metavar="KEY", show_default=False, help="A record; may be given several times."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> int:
    """Mark records as changed, so that the next sync sends them again; without --key all of them."""
    with run.workspace() as workspace:
        require_mappings(workspace, [mapping])
        if not keys and not yes:
            _ask(run, f"Send every record of {mapping} again with the next sync?")
        return _done(run, workspace.resend(mapping, keys or []))


@command(
    REPAIR,
    answers="ActionDocument",
    examples=[
        ("tailrace reset customers_to_crm", "Forget what was delivered; the next sync is a first one"),
        (
            "tailrace reset customers_to_crm --accept",
            "Go on with a state that somebody changed (state_damaged)",
        ),
    ],
)
def reset(
    run: Invocation,
    mapping: MAPPING,
    accept: Annotated[
        bool,
        typer.Option("--accept", help="Forget nothing: take the state's records as they stand now."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> int:
    """Forget everything that was delivered by a mapping: its next sync sends all records as added.

    With --accept nothing is forgotten: a state whose records somebody changed is taken as it stands.
    """
    with run.workspace() as workspace:
        require_mappings(workspace, [mapping])
        if accept:
            return _done(run, workspace.accept(mapping))
        if not yes:
            _ask(run, f"Forget what {mapping} has delivered? Its next sync sends every record as added.")
        return _done(run, workspace.reset(mapping))


def _ask(run: Invocation, question: str) -> None:
    """Raises ConfigError where nobody can answer, Abort where the answer is no."""
    if run.out.json or not interactive():
        raise ConfigError(
            f"nobody is here to answer: {question}", hint="Add --yes to go ahead.", code="usage"
        )
    typer.confirm(question, abort=True, err=True)


def _done(run: Invocation, document: ActionDocument) -> int:
    if run.out.json:
        run.out.document(document)
    elif not run.out.quiet:
        records = f" ({document.records:,} records)" if document.records is not None else ""
        run.out.print(document.message or f"{document.action}: {document.mapping}{records}")
    return exits.SUCCESS
