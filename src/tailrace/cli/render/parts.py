"""The few shapes that all views are made of: signs, marks, headings, aligned rows, JSON in colour."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from itertools import takewhile

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
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
_LEFT, _GAP = 50, 3
_LONG, _CONTEXT, _UNCUT = 48, 16, 1_000_000
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
        left, right = (Measurement.get(console, options, part).maximum for part in (self.left, self.right))
        left = max(left, _LEFT)
        if left + _GAP + right > options.max_width:
            yield from (self.left, title, self.right)
            return
        made = Table(box=None, show_header=False, padding=(0, _GAP, 0, 0), pad_edge=False)
        made.add_column(width=left)
        made.add_column()
        made.add_row(self.left, Group(title, self.right))
        yield made


class Fitting:
    """A part, or another form of it where it is too wide."""

    def __init__(self, wide: RenderableType, narrow: RenderableType) -> None:
        self.wide = wide
        self.narrow = narrow

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        needed = Measurement.get(console, options.update(max_width=_UNCUT), self.wide).maximum
        yield self.wide if needed <= options.max_width else self.narrow


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
    """Changed columns only: what was delivered → what the model says now, long values cut."""
    made = grid("left", "left", "left", "left")
    for name, old, new in rows:
        before, after = contrast(shown(old, _UNCUT), shown(new, _UNCUT))
        made.add_row(
            Text(clean(name)), Text(before, style="red"), Text("→", style="dim"), Text(after, style="green")
        )
    return made


def contrast(old: str, new: str) -> tuple[str, str]:
    """Two texts cut to what differs and a little around it, where they are long."""
    if max(len(old), len(new)) <= _LONG:
        return old, new
    start = _shared(old, new)
    same_end = _shared(old[start:][::-1], new[start:][::-1])
    return _around(old, start, len(old) - same_end), _around(new, start, len(new) - same_end)


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _around(text: str, start: int, end: int) -> str:
    first = max(start - _CONTEXT, 0)
    last = min(end + _CONTEXT, first + _LONG, len(text))
    return ("…" if first else "") + text[first:last] + ("…" if last < len(text) else "")


def values(rows: Iterable[tuple[str, object]], style: str = "") -> Table:
    """Columns and their values."""
    made = grid("left", "left")
    for name, value in rows:
        made.add_row(Text(clean(name)), Text(shown(value), style=style))
    return made


def same(old: object, new: object) -> bool:
    """Are two values of a document the same, numbers compared as written?"""
    return json.dumps(old, sort_keys=True, default=str) == json.dumps(new, sort_keys=True, default=str)
