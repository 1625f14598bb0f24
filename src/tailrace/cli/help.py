"""`--help` that teaches: commands by group, options apart from global options, examples to copy."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from tailrace.cli.command import COMMANDS, GLOBAL_OPTIONS

START, LOOK, RUN, HISTORY, REPAIR = (
    "Start",
    "Look",
    "Plan and sync",
    "What happened",
    "Decide and repair",
)
GROUPS = (START, LOOK, RUN, HISTORY, REPAIR)

_SHARED = {*GLOBAL_OPTIONS, "help", "version", "install_completion", "show_completion"}


class Command(TyperCommand):
    """A command whose help shows its own options first, and how it is used."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _usage(self, ctx, formatter)
        _paragraphs(formatter, self.help or "")
        parameters = self.get_params(ctx)
        _rows(formatter, "Arguments", [_row(p) for p in parameters if p.param_type_name == "argument"])
        options = [p for p in parameters if p.param_type_name == "option"]
        _rows(formatter, "Options", [_row(p) for p in options if p.name not in _SHARED])
        _rows(formatter, "Global options", [_row(p) for p in options if p.name in _SHARED])
        declared = COMMANDS.get(self.name or "")
        if declared and declared.examples:
            with formatter.section(heading("Examples")):
                for example in declared.examples:
                    formatter.write(f"  {_dim('# ' + example.does)}\n  {example.line}\n")


class Group(TyperGroup):
    """The root: commands by group, in the order in which a project meets them."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _usage(self, ctx, formatter)
        _paragraphs(formatter, self.help or "")
        width = max(len(name) for name in self.commands)
        for group in GROUPS:
            members = [c for c in self.commands.values() if c.rich_help_panel == group]  # pyright: ignore[reportAttributeAccessIssue]
            rows = [((c.name or "").ljust(width), _first_sentence(c.help or "")) for c in members]
            _rows(formatter, group, rows)
        options = [p for p in self.get_params(ctx) if p.param_type_name == "option"]
        _rows(formatter, "Options, before or after the command", [_row(p) for p in options])
        _paragraphs(formatter, f"Help on a command: {ctx.command_path} COMMAND --help")


def heading(text: str) -> str:
    """A heading, coloured where the terminal and NO_COLOR allow."""
    return typer.style(text, bold=True) if _styled() else text


def _dim(text: str) -> str:
    return typer.style(text, dim=True) if _styled() else text


def _styled() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _usage(command: Any, ctx: Any, formatter: Any) -> None:
    arguments = [p.metavar or p.name for p in command.get_params(ctx) if p.param_type_name == "argument"]
    pieces = ["[OPTIONS]", *arguments] if not isinstance(command, Group) else ["[OPTIONS]", "COMMAND", "..."]
    formatter.write_usage(ctx.command_path, " ".join(pieces), heading("Usage") + ": ")


def _paragraphs(formatter: Any, text: str) -> None:
    formatter.write_paragraph()
    formatter.write_text(text)


def _rows(formatter: Any, title: str, rows: Sequence[tuple[str, str]]) -> None:
    if rows:
        with formatter.section(heading(title)):
            formatter.write_dl(rows)


def _row(parameter: Any) -> tuple[str, str]:
    """What a parameter is called, and what it is for."""
    if parameter.param_type_name == "argument":
        return parameter.metavar or parameter.name.upper(), parameter.help or ""
    names = ", ".join(sorted(parameter.opts, key=len)) if parameter.opts[0] != "--help" else "--help"
    more = "" if parameter.is_flag or parameter.name == "help" else f" {parameter.metavar or 'TEXT'}"
    return names + more, parameter.help or ""


def _first_sentence(text: str) -> str:
    """What the list of commands says: up to the first colon or full stop, on one line."""
    line = " ".join(text.split("\n\n")[0].split())
    return line.split(": ")[0].split("; ")[0].rstrip(".")
