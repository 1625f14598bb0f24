"""Where a command writes: answers on stdout, everything else on stderr; rich is loaded only when it draws."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from tailrace.errors import TailraceError
from tailrace.service.exact import laid_out

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console, RenderableType

_WIDTH_OF_FILES = 120


class Output:
    """The two streams of one command, and what the global options ask of them."""

    def __init__(self, *, json: bool = False, quiet: bool = False, verbose: bool = False) -> None:
        self.json = json
        self.quiet = quiet
        self.verbose = verbose

    @functools.cached_property
    def stdout(self) -> Console:
        return console(sys.stdout)

    @functools.cached_property
    def stderr(self) -> Console:
        return console(sys.stderr)

    @property
    def live(self) -> bool:
        """May progress be drawn? Only where the cursor moves, and not with `--quiet`."""
        return not self.quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def print(self, *parts: RenderableType) -> None:
        """Show people something, on stdout."""
        for part in parts:
            self._write(lambda part=part: print_trimmed(self.stdout, part))

    def document(self, document: BaseModel | Mapping[str, Any]) -> None:
        """Write the one JSON document of this command to stdout."""
        data = dict(document) if isinstance(document, Mapping) else document.model_dump()
        if data.get("error", "") is None:
            del data["error"]
        self.text(laid_out(data) + "\n")

    def text(self, text: str) -> None:
        """Write text to stdout exactly as it is."""

        def write() -> None:
            sys.stdout.write(text)
            sys.stdout.flush()

        self._write(write)

    def note(self, text: str) -> None:
        """One line for people on stderr; silent with `--quiet`."""
        if not self.quiet:
            self.stderr.print(text, markup=False, highlight=False, style="dim", soft_wrap=True)

    def warn(self, text: str) -> None:
        """A warning on stderr; silent with `--quiet`."""
        from rich.text import Text

        if not self.quiet:
            self.stderr.print(Text.assemble(("warning: ", "yellow"), text), soft_wrap=True)

    def next_step(self, text: str, command: str) -> None:
        """What to run next, on one line that can be copied whole."""
        from rich.text import Text

        if not self.json:
            line = Text.assemble((f"{text}: ", "dim"), (command, "bold"))
            self._write(lambda: self.stdout.print(line, soft_wrap=True))

    def _write(self, write: Callable[[], None]) -> None:
        """A reader that has gone (`| head`) is no reason to stop a sync: from then on nothing is written.

        Raises OutputLost where what is asked for cannot be kept, as on a full disk.
        """
        try:
            write()
        except BrokenPipeError:
            forget_reader()
        except OSError as error:
            raise output_lost(error) from error


class OutputLost(TailraceError):
    """Stdout takes nothing any more."""

    code = "output_lost"


def output_lost(error: OSError) -> OutputLost:
    """The error for a stdout that cannot be written to; nothing more is tried on it."""
    forget_reader()
    return OutputLost(
        f"The output cannot be written: {error.strerror}.",
        hint="What was done is done; `tailrace syncs` tells of it.",
    )


def give_streams() -> None:
    """Where the command was started with closed streams (`>&-`), let what is written to them go nowhere.

    Without this, the next file to be opened would get their numbers.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115


def console(stream: TextIO) -> Console:
    """A console that keeps to NO_COLOR and FORCE_COLOR, and is wide where nobody watches."""
    from rich.console import Console

    class Ours(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    width = None
    if not stream.isatty() and not os.environ.get("COLUMNS"):
        width = _WIDTH_OF_FILES
    return Ours(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def forget_reader() -> None:
    """Let what is still written to stdout go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def print_trimmed(target: Console, part: RenderableType) -> None:
    """Print without the spaces with which tables fill their lines, so that output can be copied."""
    from rich.segment import Segment, Segments
    from rich.text import Text

    part = Text(part) if isinstance(part, str) else part
    printed: list[Segment] = []
    for line in target.render_lines(part, pad=False):
        while line and line[-1].text.isspace():
            line.pop()
        if line:
            line[-1] = Segment(line[-1].text.rstrip(), line[-1].style)
        printed += [*line, Segment.line()]
    target.print(Segments(printed), end="")
