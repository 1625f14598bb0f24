"""How parts stand beside and below each other, on terminals of any width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_LEFT, _GAP = 50, 3
_ROOM = 24
"""So narrow may a column of texts become before they stand below what they belong to."""
_UNCUT = 1_000_000


def grid(*columns: str) -> Table:
    """Aligned rows without lines; `columns` says how each is justified (`left`, `right`)."""
    made = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for justify in columns:
        made.add_column(justify="right" if justify == "right" else "left", overflow="fold")
    return made


def indented(part: RenderableType, by: int = 2) -> Padding:
    """The part, moved to the right."""
    return Padding(Text(part) if isinstance(part, str) else part, (0, 0, 0, by), expand=False)


def hanging(sign: Text, text: RenderableType) -> Table:
    """A sign with a text behind it, whose further lines begin where the first does."""
    made = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    made.add_row(sign, text)
    return made


class Beside:
    """Two parts side by side where the terminal is wide, one below the other where it is not."""

    def __init__(self, left: RenderableType, title: str, right: RenderableType) -> None:
        self.left = left
        self.title = title
        self.right = right

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        title = Text(self.title, style="dim")
        left, right = (_width(console, options, part) for part in (self.left, self.right))
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
        yield self.wide if _width(console, options, self.wide) <= options.max_width else self.narrow

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(0, _width(console, options, self.wide))


class Flowing:
    """Parts one behind the other; one that does not fit into the line begins the next, moved to the right."""

    def __init__(self, parts: Iterable[Text], gap: str = "  ", hang: int = 0) -> None:
        self.parts = [part for part in parts if part]
        self.gap = Text(gap, style="dim")
        self.hang = hang

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        line, moved = Text(), 0
        for part in self.parts:
            if line and moved + line.cell_len + self.gap.cell_len + part.cell_len > options.max_width:
                yield indented(line, moved)
                line, moved = Text(), self.hang
            line = Text.assemble(line, self.gap, part) if line else part
        yield indented(line, moved)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        gaps = self.gap.cell_len * (len(self.parts) - 1)
        return Measurement(0, sum(part.cell_len for part in self.parts) + gaps)


class Rows:
    """Aligned cells; where they are too wide, each row by itself: its first cell, and below it the others.

    The last column may be wrapped as long as there is some room, unless it is to stay `whole`.
    """

    def __init__(
        self, rows: Iterable[Sequence[Text | Flowing]], headers: Sequence[str] = (), *, whole: bool = False
    ) -> None:
        self.rows = [tuple(row) for row in rows]
        self.headers = headers
        self.whole = whole

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not self.rows:
            return
        *before, last = self._widths(console, options)
        last = last if self.whole else min(last, _ROOM)
        if sum(before) + 2 * len(before) + last <= options.max_width:
            yield self._table()
            return
        for first, *others in self.rows:
            yield first
            parts = (other.parts if isinstance(other, Flowing) else [other] for other in others)
            yield indented(Flowing(chain.from_iterable(parts)))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        widths = self._widths(console, options)
        return Measurement(0, sum(widths) + 2 * (len(widths) - 1))

    def _widths(self, console: Console, options: ConsoleOptions) -> list[int]:
        lines = [*self.rows, *([tuple(map(Text, self.headers))] if self.headers else [])]
        columns = zip(*lines, strict=True)
        return [max(_width(console, options, cell) for cell in column) for column in columns]

    def _table(self) -> Table:
        made = Table(box=None, show_header=bool(self.headers), padding=(0, 2, 0, 0), pad_edge=False)
        made.header_style = "bold"
        *before, last = self.headers or ("",) * len(self.rows[0])
        for name in before:
            made.add_column(name, no_wrap=True)
        made.add_column(last, overflow="fold")
        for row in self.rows:
            made.add_row(*row)
        return made


def _width(console: Console, options: ConsoleOptions, part: RenderableType) -> int:
    """How wide a part would be if it could."""
    return Measurement.get(console, options.update(max_width=_UNCUT), part).maximum
