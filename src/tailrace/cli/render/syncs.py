"""Syncs: the result of one that just ended, the history, and one in full."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from tailrace.cli.render.counts import left_alone, outcomes, signed
from tailrace.cli.render.parts import STATUS_STYLES, indented, table
from tailrace.cli.render.values import clean, number, seconds

if TYPE_CHECKING:
    from tailrace.service.documents import SyncDocument, SyncsDocument

_STATUS_MARKS = {
    "success": "✓",
    "failed": "✗",
    "blocked": "✗",
    "running": "…",
    "superseded": "·",
    "discarded": "·",
}


def result(document: SyncDocument, already_said: Collection[str] = ()) -> Iterator[RenderableType]:
    """One sync: its status, what became of every record, where the time went."""
    style = STATUS_STYLES[document.status]
    resumed = "   finished an interrupted sync" if document.resumed else ""
    yield Text.assemble(
        (f"{_STATUS_MARKS.get(document.status, '!')} ", style),
        (clean(document.mapping), "bold"),
        ("  ", ""),
        (document.status, style),
        heard(document),
        (f"   {document.sync}{resumed}", "dim"),
    )
    if document.counts.planned or document.by_operation:
        yield indented(outcomes(document.counts, document.by_operation))
    elif document.status == "success":
        yield indented("Nothing to send.")
    yield indented(left_alone(document.counts))
    if document.phases:
        yield indented(Text(timings(document), style="dim"))
    for warning in document.warnings:
        if warning not in already_said:
            yield indented(Text.assemble(("! ", "yellow"), clean(warning)))
    if document.error is not None:
        yield indented(
            Text.assemble(("✗ ", "red"), clean(document.error.message), (f" ({document.error.code})", "dim"))
        )
        if document.error.hint:
            yield indented(Text(clean(document.error.hint, keep="\n")), 4)


def heard(document: SyncDocument) -> str:
    """`, heard of 12 s ago`: of a running sync, how fresh that news is."""
    return "" if document.silent_seconds is None else f", heard of {seconds(document.silent_seconds)} ago"


def timings(document: SyncDocument) -> str:
    """`plan 0.4 s · send 2.1 s · commit 0.2 s · 1,234 records/s`."""
    parts = [f"{phase} {seconds(spent)}" for phase, spent in document.phases.items()]
    if document.records_per_second:
        parts.append(f"{number(document.records_per_second)} records/s")
    return " · ".join(parts)


def history(document: SyncsDocument) -> RenderableType:
    """Syncs, one a line, newest first as the service gives them."""
    if not document.syncs:
        return Text("No sync has run yet.")
    names = ("sync", "mapping", "status", "changes")
    made = table([*((name, "left") for name in names), ("rejected", "right")])
    for sync in document.syncs:
        made.add_row(
            Text(sync.sync, no_wrap=True),
            Text(clean(sync.mapping)),
            Text.assemble((sync.status, STATUS_STYLES[sync.status]), heard(sync)),
            signed(sync.counts),
            Text(number(sync.counts.rejected), style="red" if sync.counts.rejected else "dim"),
        )
    return made
