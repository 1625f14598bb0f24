"""What every command knows: the global options, where to write, and how to open the project's workspace."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace.cli.output import Output
from tailrace.errors import ConfigError

if TYPE_CHECKING:
    from tailrace.service.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Globals:
    """The options that stand before or after the command; None where not given."""

    project_dir: Path | None = None
    env: str | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False

    def merged(self, later: Globals) -> Globals:
        """These options with those given after the command on top."""
        return Globals(
            project_dir=later.project_dir or self.project_dir,
            env=later.env or self.env,
            json=later.json or self.json,
            quiet=later.quiet or self.quiet,
            verbose=later.verbose or self.verbose,
            debug=later.debug or self.debug,
        )


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a command."""

    options: Globals
    out: Output

    @property
    def folder(self) -> Path:
        return self.options.project_dir or Path.cwd()

    @property
    def environment(self) -> str | None:
        return self.options.env or os.environ.get("TAILRACE_ENV") or None

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """The project in this folder, opened; raises ConfigErrors where its files are wrong."""
        with workspace_class().open(self.folder, self.environment, os.environ) as workspace:
            yield workspace

    def command(self, *words: str) -> str:
        """A command line for the same project, to copy: `tailrace sync crm --env staging`."""
        more: list[str] = []
        if self.options.project_dir:
            more += ["--project-dir", str(self.options.project_dir)]
        if self.options.env:
            more += ["--env", self.options.env]
        return shlex.join(["tailrace", *words, *more])

    def next(self, text: str, *words: str) -> None:
        """Say what to run next, unless asked to be quiet."""
        if not self.options.quiet:
            self.out.next_step(text, self.command(*words))


def workspace_class() -> type[Workspace]:
    """The service layer, imported only when a command needs it."""
    from tailrace.service.workspace import Workspace

    return Workspace


def require_known(names: Sequence[str], known: Sequence[str], what: str) -> None:
    """Raises ConfigError naming the nearest choice where a name on the command line does not exist."""
    from tailrace.spec.suggest import did_you_mean

    for name in names:
        if name not in known:
            raise ConfigError(
                f"there is no {what} named '{name}'", hint=did_you_mean(name, known), code=f"{what}_unknown"
            )


def interactive() -> bool:
    """Is there a person to ask?"""
    return sys.stdin.isatty() and sys.stderr.isatty()
