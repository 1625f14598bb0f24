"""The Typer application: the root with its global options, and every declared command."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer

from tailrace.cli.command import COMMANDS, global_parameters, with_globals
from tailrace.cli.commands import history, look, plan, repair, start, sync
from tailrace.cli.context import Globals
from tailrace.cli.help import Command, Group

_MODULES = (start, look, plan, sync, history, repair)


def _show_version(wanted: bool) -> None:
    if wanted:
        from tailrace import __version__

        typer.echo(f"tailrace {__version__}")
        raise typer.Exit(0)


_VERSION = Annotated[
    bool,
    # Eager, so that it answers before the other options load what they need to be read.
    typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and end."),
]


def build() -> Any:
    """The root command, ready to be run or documented."""
    app = typer.Typer(
        cls=Group,
        name="tailrace",
        help="Deliver what changed in your warehouse to the tools your business works with, and know what "
        "they accepted. Begin with `tailrace demo`, or `tailrace init` in an empty folder.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"max_content_width": 100, "help_option_names": ["--help"]},
    )
    app.callback(invoke_without_command=True)(_root_with_globals())
    for declared in COMMANDS.values():
        app.command(declared.name, cls=Command, rich_help_panel=declared.group)(with_globals(declared.body))
    return typer.main.get_command(app)


def _root_with_globals() -> Any:
    def root(context: typer.Context, **values: Any) -> None:
        del values["version"]
        context.obj = Globals(**values)
        if context.invoked_subcommand is None:
            typer.echo(context.get_help(), err=True)
            raise typer.Exit(2)

    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    version = inspect.Parameter("version", inspect.Parameter.KEYWORD_ONLY, annotation=_VERSION, default=False)
    parameters = [context, *global_parameters(), version]
    root.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    root.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return root
