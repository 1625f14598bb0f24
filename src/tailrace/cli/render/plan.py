"""A plan as the reviewer of a pull request wants to read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from tailrace.cli.render import counts as counts_
from tailrace.cli.render.layout import Beside, Flowing, Rows, hanging, indented
from tailrace.cli.render.parts import (
    heading,
    json_text,
    mark,
    old_to_new,
    same,
    sign,
    values,
)
from tailrace.cli.render.values import clean, named, number, plural, shown

if TYPE_CHECKING:
    from tailrace.service.documents import ChangeDocument, PlanDocument

OF_OPERATION = {"added": "adds", "updated": "updates", "deleted": "deletes"}


def plan(document: PlanDocument) -> Iterator[RenderableType]:
    """Everything about one plan, in the order of a reader's questions."""
    yield _title(document)
    yield from (indented(Text(line, style="yellow")) for line in remarks(document))
    if document.error is not None:
        yield from _problem(document)
    yield Text()
    yield indented(counts_.planned(document.counts))
    good, bad = sampled(document)
    if good:
        yield Text()
        yield heading("Changes", sampling(document, good))
        for change in good:
            yield Text()
            yield indented(_change(change))
    if bad:
        yield Text()
        yield heading("Refused by the mapping", "these would be rejected before they are sent")
        for change in bad:
            yield Text()
            yield indented(_change(change))
    if document.set_aside:
        yield Text()
        yield heading("Set aside", "rows whose key cannot be used; the others are not held up by them")
        yield indented(_set_aside(document))
    if document.guards:
        yield Text()
        yield heading("Guards")
        yield indented(_guards(document))
    yield Text()
    yield from _footer(document)
    for number_, statement in enumerate(document.statements, 1):
        yield Text()
        yield heading(f"Statement {number_} of {len(document.statements)}", "read-only")
        yield indented(Text(clean(statement.strip(), keep="\n\t")))


def summary(documents: list[PlanDocument]) -> Iterator[RenderableType]:
    """Several plans in one table, below the last of them."""
    yield Text()
    yield Rule(style="dim", characters="─")
    yield Rows(
        (
            Text(clean(document.mapping), style="bold"),
            counts_.signed(document.counts),
            Text("blocked", style="red") if document.blocked else Text(),
        )
        for document in documents
    )


def remarks(document: PlanDocument) -> list[str]:
    """What the reader must know before the figures."""
    lines = []
    if document.interrupted:
        lines.append(
            "A sync of this mapping was interrupted; this plan compares with what it had committed. "
            "The next sync finishes that one first."
        )
    if document.first:
        lines.append("First sync: nothing of this mapping was delivered before.")
    if document.render_differs:
        records = plural(document.render_differs, "record")
        lines.append(f"{records} would be sent differently because the mapping was edited.")
    return [*lines, *(clean(warning) for warning in document.warnings)]


def sampled(document: PlanDocument) -> tuple[list[ChangeDocument], list[ChangeDocument]]:
    """The sampled changes: those that can be sent, and those that the mapping refuses."""
    good = [change for change in document.changes if change.problem is None]
    return good, [change for change in document.changes if change.problem is not None]


def sampling(document: PlanDocument, changes: list[ChangeDocument]) -> str:
    """`3 of 120 adds, 2 of 2 deletes`: never lets samples pass for the whole."""
    parts = []
    for operation, word in OF_OPERATION.items():
        seen = sum(1 for change in changes if change.operation == operation)
        total = getattr(document.counts, operation)
        if total:
            parts.append(f"{number(seen)} of {number(total)} {word}")
    return ", ".join(parts)


def sends(document: PlanDocument) -> str:
    """`adds, updates`: what the mapping's mode sends."""
    return ", ".join(word for operation, word in OF_OPERATION.items() if operation in document.mode)


def changed_columns(change: ChangeDocument) -> list[tuple[str, Any, Any]]:
    """Column, old and new value of those columns of an update that differ."""
    old, new = change.old or {}, change.new or {}
    names = [*old, *(name for name in new if name not in old)]
    return [(n, old.get(n), new.get(n)) for n in names if not same(old.get(n), new.get(n))]


def cost_lines(document: PlanDocument) -> list[tuple[str, str]]:
    """The estimates: requests, and whatever the warehouse says of cost."""
    lines = [("requests", number(document.requests))]
    return lines + [(clean(name.replace("_", " ")), _cost(value)) for name, value in document.cost.items()]


def _title(document: PlanDocument) -> RenderableType:
    target = f"{clean(document.destination)}.{clean(document.action)}"
    return Flowing(
        [
            Text.assemble((clean(document.mapping), "bold"), (" → ", "dim"), (target, "bold")),
            Text(f"sends {sends(document)}", style="dim"),
        ],
        gap="   ",
        hang=2,
    )


def _problem(document: PlanDocument) -> Iterator[RenderableType]:
    error = document.error
    assert error is not None
    told = Text.assemble(clean(error.message), (f" ({clean(error.code)})", "dim"))
    yield indented(hanging(Text("✗", style="red"), told))
    if error.hint:
        yield indented(Text(clean(error.hint, keep="\n")), 4)


def _change(change: ChangeDocument) -> RenderableType:
    parts: list[RenderableType] = [Text.assemble(sign(change.operation), " ", (named(change.key), "bold"))]
    if change.problem is not None:
        parts.append(indented(hanging(Text("✗", style="red"), Text(clean(change.problem)))))
    record = Group(*_columns(change))
    if change.payload is None:
        parts.append(indented(record))
    else:
        parts.append(indented(Beside(record, "sends", json_text(change.payload))))
    return Group(*parts)


def _columns(change: ChangeDocument) -> Iterator[RenderableType]:
    """Of an update only what differs; of the others every column."""
    if change.old is not None and change.new is not None:
        changed = changed_columns(change)
        yield old_to_new(changed)
        if as_before := len({**change.old, **change.new}) - len(changed):
            yield Text(f"and {plural(as_before, 'column')} as before", style="dim")
    else:
        yield values((change.new or change.old or {}).items())


def _set_aside(document: PlanDocument) -> RenderableType:
    return Rows(
        (
            Text(sample.reason, style="yellow"),
            Text("" if sample.key is None else named(sample.key)),
            Text(plural(sample.rows, "row")),
        )
        for sample in document.set_aside
    )


def _guards(document: PlanDocument) -> RenderableType:
    return Rows(
        (
            Text.assemble(mark("passed" if guard.passed else "failed"), "  ", guard.name),
            Flowing(
                [
                    Text(clean(guard.value), style="" if guard.passed else "bold red"),
                    Text(f"limit {clean(guard.limit)}", style="dim"),
                    Text("" if guard.passed else "blocks this sync", style="red"),
                ]
            ),
        )
        for guard in document.guards
    )


def _footer(document: PlanDocument) -> Iterator[RenderableType]:
    if not document.counts.planned:
        yield Text.assemble(("✓ ", "green"), "Nothing to send.")
        return
    lines = [*cost_lines(document), ("plan", document.plan)]
    yield Rows((Text(name, style="dim"), Text(value)) for name, value in lines)
    yield Text()


def _cost(value: Any) -> str:
    return number(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else shown(value)
