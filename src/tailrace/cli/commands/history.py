"""Commands that explain what happened."""

from __future__ import annotations

from typing import Annotated

import typer

from tailrace.cli import exits
from tailrace.cli.command import command
from tailrace.cli.commands.arguments import MAPPING, MAYBE_MAPPING, SYNC
from tailrace.cli.context import Invocation
from tailrace.cli.help import HISTORY
from tailrace.cli.several import require_mappings


@command(
    HISTORY,
    answers="SyncsDocument",
    examples=[
        ("tailrace syncs", "The last 20 syncs"),
        ("tailrace syncs customers_to_crm --limit 5", "Of one mapping"),
    ],
)
def syncs(
    run: Invocation,
    mapping: MAYBE_MAPPING = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many [20].")] = 20,
) -> int:
    """List past syncs, the newest first."""
    with run.workspace() as workspace:
        require_mappings(workspace, [mapping] if mapping else [])
        document = workspace.syncs(mapping, limit)
    if run.out.json:
        run.out.document(document)
    else:
        from tailrace.cli.render.syncs import history

        run.out.print(history(document))
    return exits.SUCCESS


@command(
    HISTORY,
    answers="ShowDocument",
    examples=[("tailrace show 20260301-120000-3f9a2c", "One sync: counts, timings, refused records")],
)
def show(run: Invocation, sync: SYNC) -> int:
    """Show one sync with its counts, timings and the records that were not delivered."""
    with run.workspace() as workspace:
        document = workspace.show(sync)
    if run.out.json:
        run.out.document(document)
        return exits.SUCCESS
    from rich.text import Text

    from tailrace.cli.render.layout import Flowing, indented
    from tailrace.cli.render.records import rejection
    from tailrace.cli.render.syncs import result
    from tailrace.cli.render.values import moment

    run.out.print(*result(document.sync))
    times = (moment(document.sync.started_at), moment(document.sync.finished_at))
    run.out.print(indented(Flowing(map(Text, times), gap=" – ")))
    for each in document.rejections:
        run.out.print("", *rejection(each))
    if document.sync.status == "interrupted":
        run.next("Go on", "sync", document.sync.mapping)
    return exits.SUCCESS


@command(
    HISTORY,
    answers="RejectionsDocument",
    examples=[("tailrace rejections customers_to_crm", "Which records were refused, and what was answered?")],
)
def rejections(run: Invocation, mapping: MAPPING) -> int:
    """List refused and quarantined records with reason, payload and answer."""
    with run.workspace() as workspace:
        require_mappings(workspace, [mapping])
        document = workspace.rejections(mapping)
    if run.out.json:
        run.out.document(document)
        return exits.SUCCESS
    from tailrace.cli.render.records import rejection

    if not document.rejections:
        run.out.print("No record of this mapping is refused.")
        return exits.SUCCESS
    for number, each in enumerate(document.rejections):
        run.out.print(*([""] if number else []), *rejection(each))
    run.out.print("")
    run.next("All about one", "why", mapping, document.rejections[0].key)
    if any(each.next_try_at for each in document.rejections):
        run.next("Try the quarantined ones again now", "release", mapping)
    return exits.SUCCESS


@command(
    HISTORY,
    answers="WhyDocument",
    examples=[("tailrace why customers_to_crm 42", "All that is known of customer 42")],
)
def why(
    run: Invocation,
    mapping: MAPPING,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The record's unique identifier.")],
) -> int:
    """Tell all that is known of one record: model, state, change, payload, attempts with their answers."""
    with run.workspace() as workspace:
        require_mappings(workspace, [mapping])
        document = workspace.why(mapping, key)
    if run.out.json:
        run.out.document(document)
    else:
        from tailrace.cli.render.records import why as rendered

        run.out.print(*rendered(document))
    return exits.SUCCESS
