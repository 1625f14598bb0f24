"""Errors as people and programs see them: what is wrong, where, and what to do about it."""

from __future__ import annotations

import json as json_
import sys
from collections.abc import Iterator
from typing import Any

from tailrace.cli import exits
from tailrace.cli.output import OutputLost, console, forget_reader, print_trimmed
from tailrace.cli.render.values import clean
from tailrace.errors import ConfigErrors, SeveralErrors, TailraceError


def show_failure(error: Exception, *, json: bool, debug: bool) -> int:
    """Show an error that ended a command, and give the exit code."""
    if debug:
        _traceback(error)
    if json and not isinstance(error, OutputLost):
        _emit(error_document(error))
    else:
        show_error(error)
    return exit_code(error)


def show_usage_error(error: Any, *, json: bool) -> int:
    """Show what is wrong with the command line itself."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "tailrace"
    message = clean(error.format_message(), keep="\n").strip()
    hint = f"{path} --help"
    if json:
        _emit({"code": "usage", "message": message, "hint": f"Run `{hint}`.", "where": None})
    else:
        _print_error(message, f"Run `{hint}`.", "")
    return exits.USAGE


def show_error(error: Exception) -> None:
    """Print an error, or each of several once, on stderr."""
    found = {(each["message"], each["where"]): each for each in map(error_document, _single(error))}
    for document in found.values():
        _print_error(str(document["message"]), str(document["hint"]), str(document["where"] or ""))
    if len(found) > 1:
        console(sys.stderr).print(f"{len(found)} problems")


def _single(error: Exception) -> Iterator[Exception]:
    """The errors that an error holds, or itself."""
    if not isinstance(error, ConfigErrors | SeveralErrors):
        yield error
        return
    for each in error.errors:
        yield from _single(each)


def error_document(error: Exception) -> dict[str, object]:
    """The error as `{"error": …}` carries it; a defect keeps its details for `--debug`."""
    if isinstance(error, TailraceError):
        return error.document()
    return {
        "code": "internal",
        "message": f"an unexpected {type(error).__name__}: {error}" if str(error) else type(error).__name__,
        "hint": "This is a defect in Tailrace. Run the command again with --debug and report what it prints.",
        "where": None,
    }


def exit_code(error: Exception) -> int:
    """The exit code that an error stands for."""
    return error.exit_code if isinstance(error, TailraceError) else exits.FAILED


def _print_error(message: str, hint: str, where: str) -> None:
    from rich.text import Text

    from tailrace.cli.render.layout import indented

    stderr = console(sys.stderr)
    place = f"{clean(where)}: " if where else ""
    stderr.print(
        Text.assemble(("error: ", "bold red"), (place, "bold"), clean(message, keep="\n")), soft_wrap=True
    )
    if hint:
        print_trimmed(stderr, indented(Text(clean(hint, keep="\n")), 2))


def _emit(error: dict[str, object]) -> None:
    try:
        sys.stdout.write(json_.dumps({"error": error}, indent=2, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        forget_reader()
    except OSError:  # stdout takes nothing, as on a full disk
        forget_reader()
        _print_error(str(error["message"]), str(error["hint"]), str(error["where"] or ""))


def _traceback(error: Exception) -> None:
    """Frames and lines only: the standard formatter shows no local variables."""
    import traceback

    sys.stderr.write("".join(traceback.format_exception(error)))
