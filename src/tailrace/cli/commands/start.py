"""`init` and `demo`: the first five minutes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from tailrace.cli import exits
from tailrace.cli.command import command
from tailrace.cli.context import Invocation
from tailrace.cli.help import START


@command(
    START,
    answers="DemoDocument",
    examples=[
        ("tailrace demo", "See the main job done in a minute"),
        ("tailrace demo --keep-receiver", "And leave the receiver running, to play on"),
    ],
)
def demo(
    run: Invocation,
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where to build it [tailrace-demo].")
    ] = Path("tailrace-demo"),
    keep_receiver: Annotated[
        bool, typer.Option("--keep-receiver", help="Leave the receiver running at the end.")
    ] = False,
) -> int:
    """Build a small shop, sync it to a local receiver, edit it, plan, sync again, and explain a refusal.

    Prints each command it runs; every one can be repeated in the demo's folder. Needs only this package.
    """
    from tailrace.cli.demo.story import Demo

    base = run.options.project_dir or Path.cwd()
    return Demo(run, base / folder, keep_receiver=keep_receiver).play()


@command(
    START,
    answers="InitDocument",
    examples=[
        ("tailrace init", "A project on a DuckDB file, in this folder"),
        ("tailrace init postgres --project-dir reverse-etl", "On PostgreSQL, in a new folder"),
    ],
)
def init(
    run: Invocation,
    type_: Annotated[
        str,
        typer.Argument(metavar="[TYPE]", help="The source's type, as `tailrace sources` lists it [duckdb]."),
    ] = "duckdb",
) -> int:
    """Set out a project: tailrace.yml with comments, a folder for models, .gitignore, the grants to ask for.

    Refuses to overwrite a project that is there.
    """
    from tailrace.cli.scaffold import scaffold

    document = scaffold(run.folder, type_, os.environ)
    if run.out.json:
        run.out.document(document)
        return exits.SUCCESS
    for name in document.files:
        run.out.note(f"wrote {name}")
    if document.grants and not run.out.quiet:
        file = next((name for name in document.files if name.startswith("grants.")), "grants.sql")
        run.out.text(f"\n-- What an administrator runs, also in {file}:\n{document.grants.rstrip()}\n\n")
    run.next("When tailrace.yml is filled in", "check")
    return exits.SUCCESS
