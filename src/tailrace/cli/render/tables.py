"""What a project has: checks, mappings, the catalogue, the first records of a model, problems in files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from tailrace.cli.render.parts import SIGNS, STATUS_STYLES, grid, heading, indented, mark, sign, table
from tailrace.cli.render.syncs import heard
from tailrace.cli.render.values import clean, moment, shown

if TYPE_CHECKING:
    from tailrace.service.documents import (
        CatalogueDocument,
        CheckDocument,
        MappingsDocument,
        PreviewDocument,
        ProblemDocument,
        SyncDocument,
    )


def check(document: CheckDocument) -> Iterator[RenderableType]:
    """One line a step, and under a failed one what to do."""
    yield Text.assemble((clean(document.name), "bold"), (f"  {document.kind}, {clean(document.type)}", "dim"))
    for step in document.steps:
        detail = f"  {clean(' '.join(step.detail.split()))}" if step.detail else ""
        style = "red" if step.status == "failed" else "dim"
        yield indented(Text.assemble(mark(step.status), " ", clean(step.name), (detail, style)))
        if step.remedy and step.status in ("failed", "warning"):
            yield indented(Text(clean(step.remedy, keep="\n")), 6)


def problem(document: ProblemDocument) -> Iterator[RenderableType]:
    """One mistake in the files, where it stands, and what to write instead."""
    where = f"{clean(document.where)}: " if document.where else ""
    yield Text.assemble(("✗ ", "red"), (where, "bold"), clean(document.message, keep="\n"))
    if document.hint:
        yield indented(Text(clean(document.hint, keep="\n")), 4)


def mappings(document: MappingsDocument) -> RenderableType:
    """Mappings with what they join and how they last ended."""
    if not document.mappings:
        return Text("No mappings yet: add one to tailrace.yml.")
    made = table([(name, "left") for name in ("mapping", "model", "to", "sends", "schedule", "last sync")])
    for each in document.mappings:
        schedule = each.schedule or "" if each.enabled else "disabled"
        made.add_row(
            Text(clean(each.mapping), style="bold" if each.enabled else "dim"),
            Text(clean(each.model)),
            Text(clean(f"{each.destination}.{each.action}")),
            Text(" ").join(sign(operation) for operation in SIGNS if operation in each.mode),
            Text(clean(schedule), style="" if each.enabled else "dim"),
            _last(each.last),
        )
    return made


def _last(sync: SyncDocument | None) -> Text:
    if sync is None:
        return Text("never", style="dim")
    news = heard(sync) or f" {moment(sync.started_at)[5:16]}"
    return Text.assemble((sync.status, STATUS_STYLES[sync.status]), (news, "dim"))


def catalogue(document: CatalogueDocument) -> Iterator[RenderableType]:
    """Every type with its settings and what they mean."""
    for entry in document.entries:
        yield heading(clean(entry.type), clean(entry.title))
        if entry.description:
            yield indented(clean(entry.description))
        if entry.actions:
            yield indented(Text(f"actions: {', '.join(map(clean, entry.actions))}", style="dim"))
        made = grid("left", "left", "left")
        for field in entry.settings:
            facts = [field.type]
            facts += ["required"] if field.required else []
            facts += ["secret"] if field.secret else []
            facts += [f"default {shown(field.default)}"] if field.default is not None else []
            made.add_row(
                Text(clean(field.name), style="bold" if field.required else ""),
                Text(", ".join(facts), style="dim"),
                Text(clean(field.help or field.label)),
            )
        yield indented(made)
        yield Text()


def preview(document: PreviewDocument, width: int) -> Iterator[RenderableType]:
    """The first records as a table where it fits, else each as a list; then the columns' types."""
    names = [column.name for column in document.columns]
    lines = [[shown(row.get(name), 40) for name in names] for row in document.rows]
    needed = sum(
        max([len(name), *(len(line[at]) for line in lines)], default=0) + 2 for at, name in enumerate(names)
    )
    if not document.rows:
        yield Text("The model gives no rows.")
    elif needed <= width:
        made = table([(clean(column.name), _side(column.kind)) for column in document.columns])
        for line in lines:
            made.add_row(*(Text(cell) for cell in line))
        yield made
    else:
        for number, row in enumerate(document.rows, 1):
            yield Text(f"record {number}", style="dim")
            made = grid("left", "left")
            for name in names:
                made.add_row(Text(clean(name), style="bold"), Text(shown(row.get(name))))
            yield indented(made)
    yield heading("Columns")
    made = grid("left", "left", "left")
    for column in document.columns:
        made.add_row(
            Text(clean(column.name), style="bold"), column.kind, Text(clean(column.native), style="dim")
        )
    yield indented(made)


def _side(kind: str) -> str:
    return "right" if kind in ("int", "decimal", "float") else "left"
