"""The entry point: arguments in, exit code out; no error reaches the user as a traceback unless asked for."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from tailrace.cli import exits
from tailrace.cli.output import forget_reader, give_streams, output_lost

_ONLY_STDOUT = frozenset({"--help", "--version", "--show-completion"})
"""What writes to nothing but stdout, and not by way of our own output."""


def run() -> None:
    """What the `tailrace` command runs."""
    # Importing makes many lasting objects, hardly any in rings: looking through them all the time costs a fifth.
    # Commands that only look make fewer than these.
    gc.set_threshold(200_000, 20, 20)
    # Arrow's own allocator holds on to memory that one thread takes and another gives back: 30 MiB of a first sync.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    give_streams()
    signal.signal(signal.SIGTERM, _as_interrupt)
    code = main(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        forget_reader()
    _end(code)


def _end(code: int) -> NoReturn:
    """End the process without tearing the interpreter down, which drivers' own threads do not survive.

    A thread of the HTTP client that comes back from waking the event loop finds no interpreter to return to, and
    aborts the process: a command that had done all it should would end with a crash (seen in a quarter of the runs
    on a busy machine). All files and connections were closed by those who opened them.
    """
    os._exit(code)


def main(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit code; errors are shown, never raised."""
    import typer

    from tailrace.cli.app import build

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # pyright: ignore[reportAttributeAccessIssue]
    given = _words_before_dashes(arguments)
    try:
        result = build().main(list(arguments), prog_name="tailrace", standalone_mode=False)
        return result if isinstance(result, int) else exits.SUCCESS
    except BrokenPipeError:
        forget_reader()
        return exits.SUCCESS
    except (KeyboardInterrupt, typer.Abort):
        _say("cancelled")
        return exits.CANCELLED
    except typer.TyperException as error:
        from tailrace.cli.failures import show_usage_error

        return show_usage_error(error, json="--json" in given)
    except Exception as error:
        from tailrace.cli.failures import show_failure

        if isinstance(error, OSError) and not _ONLY_STDOUT.isdisjoint(given):
            error = output_lost(error)
        return show_failure(error, json="--json" in given, debug="--debug" in given)


def _words_before_dashes(arguments: Sequence[str]) -> list[str]:
    words = list(arguments)
    return words[: words.index("--")] if "--" in words else words


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
