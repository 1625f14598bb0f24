"""How a command is declared: a function, its group, its examples; the global options come by themselves."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec, TypeAlias

import typer

from tailrace.cli.context import Globals, Invocation
from tailrace.cli.output import Output

P = ParamSpec("P")
Body: TypeAlias = Callable[Concatenate[Invocation, P], int]

GLOBAL_OPTIONS: dict[str, Any] = {
    "project_dir": Annotated[
        Path | None,
        typer.Option(
            "--project-dir", metavar="DIR", show_default=False, help="The project's folder [this folder]."
        ),
    ],
    "env": Annotated[
        str | None,
        typer.Option(
            "--env",
            metavar="NAME",
            show_default=False,
            help="Merge tailrace.NAME.yml over tailrace.yml [TAILRACE_ENV]; each has a state of its own.",
        ),
    ],
    "json": Annotated[bool, typer.Option("--json", help="One JSON document on stdout, logs on stderr.")],
    "quiet": Annotated[bool, typer.Option("--quiet", "-q", help="Only the answer and errors.")],
    "verbose": Annotated[bool, typer.Option("--verbose", "-v", help="Also log what happens, on stderr.")],
    "debug": Annotated[bool, typer.Option("--debug", help="Also tracebacks and every detail of the log.")],
}
_DEFAULTS: dict[str, Any] = {
    "project_dir": None,
    "env": None,
    "json": False,
    "quiet": False,
    "verbose": False,
    "debug": False,
}


@dataclass(frozen=True, slots=True)
class Example:
    """A command line and what it does."""

    line: str
    does: str


@dataclass(frozen=True, slots=True)
class Declared:
    """One command as `--help`, the reference page and the published schemas know it."""

    name: str
    group: str
    body: Callable[..., int]
    examples: tuple[Example, ...]
    answers: str
    """The document it answers with `--json`, by its name in `tailrace.service.documents`; empty for none."""


COMMANDS: dict[str, Declared] = {}


def command(
    group: str, *, answers: str, examples: Sequence[tuple[str, str]], name: str | None = None
) -> Callable[[Body[P]], Body[P]]:
    """Declare a command; its function gets the Invocation first and gives the exit code."""

    def declare(body: Body[P]) -> Body[P]:
        called = name or body.__name__
        lines = tuple(Example(line, does) for line, does in examples)
        COMMANDS[called] = Declared(called, group, body, lines, answers)
        return body

    return declare


def with_globals(body: Callable[..., int]) -> Callable[..., int]:
    """The function as Typer must see it: its own parameters, then the global options."""

    @functools.wraps(body)
    def call(context: typer.Context, **values: Any) -> int:
        given = Globals(**{name: values.pop(name) for name in GLOBAL_OPTIONS})
        options = context.find_root().obj.merged(given)
        out = Output(json=options.json, quiet=options.quiet, verbose=options.verbose)
        from tailrace.cli.logs import configure_logs

        configure_logs(verbose=options.verbose, debug=options.debug)
        try:
            return body(Invocation(options, out), **values)
        except KeyboardInterrupt:
            raise typer.Abort from None  # of an interrupt, Typer would say nothing

    own = list(inspect.signature(body, eval_str=True).parameters.values())[1:]
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    parameters = [context, *own, *global_parameters()]
    call.__signature__ = inspect.Signature(  # pyright: ignore[reportAttributeAccessIssue]
        [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    )
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del call.__wrapped__  # pyright: ignore[reportAttributeAccessIssue]
    return call


def global_parameters() -> list[inspect.Parameter]:
    """The global options as parameters of a function."""
    return [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=_DEFAULTS[name]
        )
        for name, annotation in GLOBAL_OPTIONS.items()
    ]
