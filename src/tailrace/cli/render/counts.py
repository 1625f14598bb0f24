"""Counts: what a plan holds, and what became of it."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from tailrace.cli.render.layout import Fitting, Flowing, grid
from tailrace.cli.render.parts import SIGNS
from tailrace.cli.render.values import number

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tailrace.service.documents import Counts, OperationCounts

_OUTCOMES = (("delivered", "green"), ("rejected", "red"), ("aborted", "yellow"), ("unknown", "yellow"))
_COLUMNS = ("planned", *(name for name, _ in _OUTCOMES))


def planned(counts: Counts) -> RenderableType:
    """What would be sent on the left, what stays where it is on the right; below it where that is too wide."""
    left = [
        _counted("+ added", counts.added, "green"),
        _counted("~ updated", counts.updated, "yellow"),
        _counted("− deleted", counts.deleted, "red"),
        _counted("= to send", counts.planned, "bold"),
    ]
    right = [
        _counted("unchanged", counts.unchanged, ""),
        _counted("set aside", counts.set_aside, "yellow"),
        _counted("quarantined", counts.quarantined, "yellow"),
        _counted("not sent", counts.not_sent, ""),
        _counted("= model rows", counts.model_rows, "dim"),
    ]
    wide = grid("left", "right", "left", "left", "right")
    for one, other in zip_longest(left, right, fillvalue=("", "")):
        wide.add_row(*one, "  ", *other)
    narrow = grid("left", "right")
    for each in (*left, *right):
        narrow.add_row(*each)
    return Fitting(wide, narrow)


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


def left_alone(counts: Counts) -> Flowing:
    """The rows of the model that were not planned."""
    parts = [
        (f"unchanged {number(counts.unchanged)}", "dim"),
        (f"set aside {number(counts.set_aside)}", _style(counts.set_aside, "yellow")),
        (f"quarantined {number(counts.quarantined)}", _style(counts.quarantined, "yellow")),
        (f"not sent {number(counts.not_sent)}", "dim"),
        (f"model rows {number(counts.model_rows)}", "dim"),
    ]
    return Flowing((Text(text, style=style) for text, style in parts), gap=" · ")


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


def _counted(name: str, count: int, style: str) -> tuple[Text, Text]:
    return Text(name, style=_style(count, style)), Text(number(count), style=_style(count, style))


def _any(row: OperationCounts) -> bool:
    return any((row.planned, row.delivered, row.rejected, row.aborted, row.unknown))


def _style(count: int, style: str) -> str:
    return style if count else "dim"
