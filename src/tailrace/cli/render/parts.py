"""The few shapes that all views are made of: signs, marks, headings, aligned rows, JSON in colour."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tailrace.cli.render.values import clean, pretty, shown

SIGNS = {"added": ("+", "green"), "updated": ("~", "yellow"), "deleted": ("−", "red")}
STATUS_STYLES = {
    "success": "green",
    "partial": "yellow",
    "failed": "red",
    "blocked": "red",
    "cancelled": "yellow",
    "interrupted": "yellow",
    "running": "cyan",
    "superseded": "dim",
    "discarded": "dim",
}
_MARKS = {
    "passed": ("✓", "green"),
    "failed": ("✗", "red"),
    "warning": ("!", "yellow"),
    "skipped": ("·", "dim"),
}
_WIDE = 100
_JSON_KEY = re.compile(r'^(\s*)("(?:[^"\\]|\\.)*")(:)', re.MULTILINE)


def sign(operation: str) -> Text:
    """`+`, `~` or `−` in its colour."""
    symbol, style = SIGNS.get(operation, ("?", ""))
    return Text(symbol, style=style)


def mark(status: str) -> Text:
    """✓ or ✗ (or ! or ·) for the result of a step."""
    symbol, style = _MARKS[status]
    return Text(symbol, style=style)


def heading(text: str, more: str = "") -> Text:
    """A section's heading, with a quiet remark behind it."""
    return Text.assemble((text, "bold"), (f"  {more}" if more else "", "dim"))


def grid(*columns: str) -> Table:
    """Aligned rows without lines; `columns` says how each is justified (`left`, `right`)."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for justify in columns:
        table.add_column(justify="right" if justify == "right" else "left", overflow="fold")
    return table


def table(headers: Sequence[tuple[str, str]]) -> Table:
    """A table with a quiet head; each header comes with how its column is justified."""
    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name, justify in headers:
        made.add_column(name, justify="right" if justify == "right" else "left", overflow="fold")
    return made


class Beside:
    """Two parts side by side where the terminal is wide, one below the other where it is not."""

    def __init__(self, left: RenderableType, title: str, right: RenderableType) -> None:
        self.left = left
        self.title = title
        self.right = right

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        title = Text(self.title, style="dim")
        if options.max_width < _WIDE:
            yield from (self.left, title, self.right)
            return
        made = Table(box=None, show_header=False, padding=(0, 3, 0, 0), pad_edge=False)
        made.add_column(ratio=1, min_width=50)
        made.add_column(ratio=1)
        made.add_row(self.left, Group(title, self.right))
        yield made


def indented(part: RenderableType, by: int = 2) -> Padding:
    """The part, moved to the right."""
    return Padding(Text(part) if isinstance(part, str) else part, (0, 0, 0, by), expand=False)


def json_text(value: object) -> Text:
    """A payload laid out as JSON, its field names in colour."""
    text = Text(pretty(value))
    for match in _JSON_KEY.finditer(text.plain):
        text.stylize("cyan", match.start(2), match.end(2))
    return text


def old_to_new(rows: Iterable[tuple[str, object, object]]) -> Table:
    """Changed columns only: what was delivered → what the model says now."""
    made = grid("left", "left", "left", "left")
    for name, old, new in rows:
        made.add_row(Text(clean(name)), Text(shown(old), style="red"), Text("→", style="dim"), _new(new))
    return made


def values(rows: Iterable[tuple[str, object]], style: str = "") -> Table:
    """Columns and their values."""
    made = grid("left", "left")
    for name, value in rows:
        made.add_row(Text(clean(name)), Text(shown(value), style=style))
    return made


def same(old: object, new: object) -> bool:
    """Are two values of a document the same, numbers compared as written?"""
    return json.dumps(old, sort_keys=True, default=str) == json.dumps(new, sort_keys=True, default=str)


def _new(value: object) -> Text:
    return Text(shown(value), style="green")
