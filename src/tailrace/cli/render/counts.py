"""Counts: what a plan holds, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from tailrace.cli.render.parts import SIGNS, Fitting, grid
from tailrace.cli.render.values import number

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tailrace.service.documents import Counts, OperationCounts

_OUTCOMES = (("delivered", "green"), ("rejected", "red"), ("aborted", "yellow"), ("unknown", "yellow"))
_COLUMNS = ("planned", *(name for name, _ in _OUTCOMES))


def planned(counts: Counts) -> Table:
    """What would be sent on the left, what stays where it is on the right."""
    left = [
        ("+ added", counts.added, "green"),
        ("~ updated", counts.updated, "yellow"),
        ("− deleted", counts.deleted, "red"),
        ("= to send", counts.planned, "bold"),
    ]
    right = [
        ("unchanged", counts.unchanged, ""),
        ("set aside", counts.set_aside, "yellow"),
        ("quarantined", counts.quarantined, "yellow"),
        ("not sent", counts.not_sent, ""),
    ]
    made = grid("left", "right", "left", "left", "right")
    for (name, count, style), (other, rest, other_style) in zip(left, right, strict=True):
        made.add_row(
            Text(name, style=_style(count, style)),
            Text(number(count), style=_style(count, style)),
            "  ",
            Text(other, style=_style(rest, other_style)),
            Text(number(rest), style=_style(rest, other_style)),
        )
    made.add_row("", "", "", Text("= model rows", style="dim"), Text(number(counts.model_rows), style="dim"))
    return made


def outcomes(counts: Counts, by_operation: dict[str, OperationCounts]) -> RenderableType:
    """What became of every planned record, by operation, with the sum below where there are several.

    Where that is too wide, operations stand beside each other, under their signs alone.
    """
    rows: list[tuple[str, str, str, OperationCounts | Counts]] = [
        (*SIGNS[name], name, by_operation[name])
        for name in SIGNS
        if name in by_operation and _any(by_operation[name])
    ]
    if len(rows) != 1:
        rows.append(("=", "bold", "all", counts))
    wide = _bare_table()
    for name in ("", *_COLUMNS):
        wide.add_column(name, justify="right" if name else "left", no_wrap=True)
    for symbol, style, name, row in rows:
        wide.add_row(Text(f"{symbol} {name}", style=style), *_cells(row))
    narrow = _bare_table()
    narrow.add_column("")
    for symbol, style, _, _ in rows:
        narrow.add_column(Text(symbol, style=style), justify="right")
    for name, *cells in zip(_COLUMNS, *(_cells(row) for *_, row in rows), strict=True):
        narrow.add_row(Text(name, style="dim"), *cells)
    return Fitting(wide, narrow)


def left_alone(counts: Counts) -> Text:
    """The rows of the model that were not planned, in one line."""
    parts = [
        (f"unchanged {number(counts.unchanged)}", "dim"),
        (f"set aside {number(counts.set_aside)}", _style(counts.set_aside, "yellow")),
        (f"quarantined {number(counts.quarantined)}", _style(counts.quarantined, "yellow")),
        (f"not sent {number(counts.not_sent)}", "dim"),
        (f"model rows {number(counts.model_rows)}", "dim"),
    ]
    return Text(" · ", style="dim").join(Text(text, style=style) for text, style in parts)


def signed(counts: Counts) -> Text:
    """`+120 ~85 −12`."""
    parts = ((counts.added, "added"), (counts.updated, "updated"), (counts.deleted, "deleted"))
    made = (Text(f"{SIGNS[name][0]}{number(n)}", style=_style(n, SIGNS[name][1])) for n, name in parts)
    return Text(" ").join(made)


def _bare_table() -> Table:
    return Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")


def _cells(row: OperationCounts | Counts) -> list[Text]:
    """The counts under `_COLUMNS`."""
    return [
        Text(number(getattr(row, name)), style=_style(getattr(row, name), style))
        for name, style in (("planned", ""), *_OUTCOMES)
    ]


def _any(row: OperationCounts) -> bool:
    return any((row.planned, row.delivered, row.rejected, row.aborted, row.unknown))


def _style(count: int, style: str) -> str:
    return style if count else "dim"
