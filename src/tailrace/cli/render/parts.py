"""The few shapes that all views are made of: signs, marks, headings, aligned rows, JSON in colour."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import takewhile

from rich.console import Group, RenderableType
from rich.text import Text

from tailrace.cli.render.layout import Fitting, Flowing, Rows, grid, hanging, indented
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


def heading(text: str, more: str = "") -> Flowing:
    """A section's heading, with a quiet remark behind it."""
    return Flowing([Text(text, style="bold"), Text(more, style="dim")])


def json_text(value: object) -> Text:
    """A payload laid out as JSON, its field names in colour."""
    text = Text(pretty(value))
    for match in _JSON_KEY.finditer(text.plain):
        text.stylize("cyan", match.start(2), match.end(2))
    return text


def old_to_new(rows: Iterable[tuple[str, object, object]]) -> Fitting:
    """Changed columns only: what was delivered → what the model says now, long values cut."""
    wide = grid("left", "left", "left", "left")
    narrow: list[RenderableType] = []
    for name, old, new in rows:
        before, after = contrast(shown(old, _UNCUT), shown(new, _UNCUT))
        was, becomes = Text(before, style="red"), Text(after, style="green")
        column, arrow = Text(clean(name)), Text("→", style="dim")
        wide.add_row(column, was, arrow, becomes)
        narrow += [column, indented(was), indented(hanging(arrow, becomes))]
    return Fitting(wide, Group(*narrow))


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


def values(rows: Iterable[tuple[str, object]], style: str = "") -> Rows:
    """Columns and their values."""
    return Rows((Text(clean(name)), Text(shown(value), style=style)) for name, value in rows)


def same(old: object, new: object) -> bool:
    """Are two values of a document the same, numbers compared as written?"""
    return json.dumps(old, sort_keys=True, default=str) == json.dumps(new, sort_keys=True, default=str)
