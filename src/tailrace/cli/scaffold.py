"""`init`: the files of a new project, and the grants that its source needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace.cli.context import workspace_class
from tailrace.errors import ConfigError, TailraceError
from tailrace.spec.suggest import did_you_mean

if TYPE_CHECKING:
    from tailrace.service.documents import InitDocument

_MODEL = """\
-- One SELECT; the column named as `key` in tailrace.yml identifies a record and must be unique.
SELECT id, email, first_name
FROM customers
"""
_IGNORED = ".tailrace/"
_REFERENCE = re.compile(r"\$\{env:(\w+)\}")


def scaffold(folder: Path, type_: str, environ: Mapping[str, str]) -> InitDocument:
    """Write a project for a type of source; raises ConfigError where one is there already, or nothing can be written."""
    template = _template(type_)
    if (folder / "tailrace.yml").exists():
        raise ConfigError(
            "there is a project in this folder already",
            hint="Nothing was written. Use another folder: --project-dir DIR.",
            code="project_exists",
        )
    project = _project_name(folder)
    text = template.format(project=project)
    try:
        return _written(folder, type_, project, text, environ)
    except OSError as error:
        raise ConfigError(
            f"{error.filename or folder} cannot be written: {error.strerror}",
            hint="Choose a folder that you may write to: --project-dir DIR.",
            code="project_unwritable",
        ) from error


def _written(folder: Path, type_: str, project: str, text: str, environ: Mapping[str, str]) -> InitDocument:
    from tailrace.service.documents import InitDocument

    folder.mkdir(parents=True, exist_ok=True)
    written = [_write(folder, "tailrace.yml", text)]
    if not (folder / "models" / "customers.sql").exists():
        written.append(_write(folder, "models/customers.sql", _MODEL))
    if _ignore_local_data(folder / ".gitignore"):
        written.append(".gitignore")
    grants = _grants(folder, text, environ)
    file = "grants.sh" if grants.startswith("#!") else "grants.sql"
    if grants and not (folder / file).exists():
        written.append(_write(folder, file, grants.rstrip() + "\n"))
    return InitDocument(project=project, source=type_, files=written, grants=grants)


def templates() -> list[str]:
    """The types of sources that `init` knows."""
    names = (entry.name for entry in resources.files("tailrace.cli.templates").iterdir())
    return sorted(name.removesuffix(".yml") for name in names if name.endswith(".yml"))


def _template(type_: str) -> str:
    if type_ not in templates():
        raise ConfigError(
            f"init knows no source of type '{type_}'",
            hint=did_you_mean(type_, templates()),
            code="source_type_unknown",
        )
    return (resources.files("tailrace.cli.templates") / f"{type_}.yml").read_text(encoding="utf-8")


def _project_name(folder: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", folder.resolve().name.lower()).strip("_")
    return name if name and name[0].isalpha() else "my_project"


def _write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    return name


def _ignore_local_data(path: Path) -> bool:
    """Add the folder of local data to .gitignore unless it is there."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if _IGNORED in text.split():
        return False
    start = "" if not text or text.endswith("\n") else "\n"
    path.write_text(f"{text}{start}{_IGNORED}\n", encoding="utf-8")
    return True


def _grants(folder: Path, text: str, environ: Mapping[str, str]) -> str:
    """The grants with names filled in as far as they are known; empty where the source needs none."""
    known = {name: environ.get(name) or name.lower() for name in _REFERENCE.findall(text)}
    try:
        with workspace_class().open(folder, None, {**environ, **known}) as workspace:
            return workspace.grants("warehouse", None, None, []).statements
    except TailraceError:
        return ""
