"""Arguments that several commands share, with completion of names from the project's files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer


def _names(section: str) -> Any:
    def complete(ctx: typer.Context, args: list[str], incomplete: str) -> list[str]:
        """Names for the shell; wrong files complete nothing, they are `validate`'s to explain."""
        root = ctx.find_root().params.get("project_dir") or ctx.params.get("project_dir") or "."
        return [name for name in _in_files(Path(str(root)), section) if name.startswith(incomplete)]

    return complete


def _in_files(folder: Path, section: str) -> list[str]:
    import yaml

    names: list[str] = []
    environment = os.environ.get("TAILRACE_ENV")
    files = [folder / "tailrace.yml", *sorted((folder / "tailrace").glob("**/*.yml"))]
    files += [folder / f"tailrace.{environment}.yml"] if environment else []
    for file in files:
        try:
            data = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            continue
        found = data.get(section) if isinstance(data, dict) else None
        names += [str(name) for name in found] if isinstance(found, dict) else []
    return sorted(set(names))


SOME_MAPPINGS: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[MAPPING]...",
        autocompletion=_names("mappings"),
        show_default=False,
        help="Which mappings; all enabled ones if none is named.",
    ),
]
MAPPING: TypeAlias = Annotated[
    str, typer.Argument(metavar="MAPPING", autocompletion=_names("mappings"), help="A mapping's name.")
]
MAYBE_MAPPING: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="[MAPPING]", autocompletion=_names("mappings"), show_default=False, help="Only this mapping."
    ),
]
MODEL: TypeAlias = Annotated[
    str, typer.Argument(metavar="MODEL", autocompletion=_names("models"), help="A model's name.")
]
SOURCE: TypeAlias = Annotated[
    str, typer.Argument(metavar="SOURCE", autocompletion=_names("sources"), help="A source's name.")
]
SYNC: TypeAlias = Annotated[
    str, typer.Argument(metavar="SYNC", help="A sync's id, as `tailrace syncs` lists it.")
]
