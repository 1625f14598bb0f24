"""What a project has: checks, mappings, the catalogue, the first records of a model, problems in files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tailrace.cli.render.layout import Fitting, Flowing, Rows, hanging, indented
from tailrace.cli.render.parts import SIGNS, STATUS_STYLES, heading, mark, sign
from tailrace.cli.render.syncs import heard
from tailrace.cli.render.values import clean, moment, shown

if TYPE_CHECKING:
    from tailrace.service.documents import (
        CatalogueDocument,
        CheckDocument,
        FieldDocument,
        MappingDocument,
        MappingsDocument,
        PreviewDocument,
        ProblemDocument,
        SyncDocument,
    )


def check(document: CheckDocument) -> Iterator[RenderableType]:
    """One line a step, and under a failed one what to do."""
    yield Text.assemble((clean(document.name), "bold"), (f"  {document.kind}, {clean(document.type)}", "dim"))
    for step in document.steps:
        name = Text.assemble(mark(step.status), " ", clean(step.name))
        detail = Text(clean(" ".join(step.detail.split())), style="red" if step.status == "failed" else "dim")
        yield indented(Flowing([name, detail], hang=4))
        if step.remedy and step.status in ("failed", "warning"):
            yield indented(Text(clean(step.remedy, keep="\n")), 6)


def problem(document: ProblemDocument) -> Iterator[RenderableType]:
    """One mistake in the files, where it stands, and what to write instead."""
    where = f"{clean(document.where)}: " if document.where else ""
    told = Text.assemble((where, "bold"), clean(document.message, keep="\n"))
    yield hanging(Text("✗", style="red"), told)
    if document.hint:
        yield indented(Text(clean(document.hint, keep="\n")), 4)


def mappings(document: MappingsDocument) -> RenderableType:
    """Mappings with what they join and how they last ended."""
    if not document.mappings:
        return Text("No mappings yet: add one to tailrace.yml.")
    listed = [_mapping(each) for each in document.mappings]
    headers = ("mapping", "last sync", "from → to", "sends", "schedule")
    used = [any(row[at] for row in listed) for at in range(len(headers))]
    return Rows(
        (list(compress(row, used)) for row in listed), headers=list(compress(headers, used)), whole=True
    )


def _mapping(document: MappingDocument) -> tuple[Text, ...]:
    schedule = document.schedule or "" if document.enabled else "disabled"
    return (
        Text(clean(document.mapping), style="bold" if document.enabled else "dim"),
        _last(document.last),
        Text(clean(f"{document.model} → {document.destination}.{document.action}")),
        Text(" ").join(sign(operation) for operation in SIGNS if operation in document.mode),
        Text(clean(schedule), style="" if document.enabled else "dim"),
    )


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
        yield indented(Rows(_setting(field) for field in entry.settings))
        yield Text()


def _setting(field: FieldDocument) -> tuple[Text, ...]:
    facts = [field.type]
    facts += ["required"] if field.required else []
    facts += ["secret"] if field.secret else []
    facts += [f"default {shown(field.default)}"] if field.default is not None else []
    return (
        Text(clean(field.name), style="bold" if field.required else ""),
        Text(", ".join(facts), style="dim"),
        Text(clean(field.help or field.label)),
    )


def preview(document: PreviewDocument) -> Iterator[RenderableType]:
    """The first records as a table where it fits, else each as a list; then the columns' types."""
    if document.rows:
        yield Fitting(_table(document), Group(*_lists(document)))
    else:
        yield Text("The model gives no rows.")
    yield heading("Columns")
    yield indented(
        Rows(
            (
                Text(clean(column.name), style="bold"),
                Text(column.kind),
                Text(clean(column.native), style="dim"),
            )
            for column in document.columns
        )
    )


def _table(document: PreviewDocument) -> Table:
    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for column in document.columns:
        number = column.kind in ("int", "decimal", "float")
        made.add_column(clean(column.name), justify="right" if number else "left")
    for row in document.rows:
        made.add_row(*(Text(shown(row.get(column.name), 40)) for column in document.columns))
    return made


def _lists(document: PreviewDocument) -> Iterator[RenderableType]:
    for number, row in enumerate(document.rows, 1):
        yield Text(f"record {number}", style="dim")
        names = (column.name for column in document.columns)
        yield indented(Rows((Text(clean(name), style="bold"), Text(shown(row.get(name)))) for name in names))
