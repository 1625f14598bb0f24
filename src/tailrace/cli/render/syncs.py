"""Syncs: the result of one that just ended, the history, and one in full."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from tailrace.cli.render.counts import left_alone, outcomes, signed
from tailrace.cli.render.layout import Flowing, Rows, hanging, indented
from tailrace.cli.render.parts import STATUS_STYLES
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
    yield Flowing(
        [
            Text.assemble(
                (f"{_STATUS_MARKS.get(document.status, '!')} ", style), (clean(document.mapping), "bold")
            ),
            _status(document),
            Text(document.sync, style="dim"),
            Text("finished an interrupted sync" if document.resumed else "", style="dim"),
        ],
        hang=2,
    )
    if document.counts.planned:
        yield indented(outcomes(document.counts, document.by_operation))
    elif document.status == "success":
        yield indented("Nothing to send.")
    yield indented(left_alone(document.counts))
    if document.phases:
        yield indented(timings(document))
    for warning in document.warnings:
        if warning not in already_said:
            yield indented(hanging(Text("!", style="yellow"), Text(clean(warning))))
    if document.error is not None:
        told = Text.assemble(clean(document.error.message), (f" ({document.error.code})", "dim"))
        yield indented(hanging(Text("✗", style="red"), told))
        if document.error.hint:
            yield indented(Text(clean(document.error.hint, keep="\n")), 4)


def heard(document: SyncDocument) -> str:
    """`, heard of 12 s ago`: of a running sync, how fresh that news is."""
    return "" if document.silent_seconds is None else f", heard of {seconds(document.silent_seconds)} ago"


def _status(document: SyncDocument) -> Text:
    return Text.assemble((document.status, STATUS_STYLES[document.status]), (heard(document), "dim"))


def timings(document: SyncDocument) -> Flowing:
    """`plan 0.4 s · send 2.1 s · commit 0.2 s · 1,234 records/s`."""
    parts = [f"{phase} {seconds(spent)}" for phase, spent in document.phases.items()]
    if document.records_per_second:
        parts.append(f"{number(document.records_per_second)} records/s")
    return Flowing((Text(part, style="dim") for part in parts), gap=" · ")


def history(document: SyncsDocument) -> RenderableType:
    """Syncs, one a line, newest first as the service gives them."""
    if not document.syncs:
        return Text("No sync has run yet.")
    return Rows(
        (
            (
                Text(sync.sync),
                Text(clean(sync.mapping)),
                _status(sync),
                signed(sync.counts),
                Text(f"{number(sync.counts.rejected)} rejected" if sync.counts.rejected else "", style="red"),
            )
            for sync in document.syncs
        ),
        headers=("sync", "mapping", "status", "changes", ""),
        whole=True,
    )
