"""Finds and reads the files of a project folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tailrace.errors import ConfigError, Where
from tailrace.spec.nodes import Node
from tailrace.spec.reading import read_yaml

MAIN = "tailrace.yml"
COMPANIONS = "tailrace"


def read_main(folder: Path, problems: list[ConfigError]) -> Node | None:
    """The tree of `tailrace.yml`; None where it is missing or cannot be used."""
    if not (folder / MAIN).exists():
        other = folder / "tailrace.yaml"
        problems.append(
            ConfigError(
                f"There is no {MAIN} in {folder}.",
                hint=f"Rename {other.name} to {MAIN}."
                if other.exists()
                else "Run `tailrace init` to start a project here, or point at one with --project-dir.",
                where=Where(MAIN),
                code="project_missing",
            )
        )
        return None
    before = len(problems)
    tree = read_tree(folder, folder / MAIN, problems)
    if tree is None and len(problems) == before:
        problems.append(
            ConfigError(
                f"{MAIN} is empty.",
                hint="Run `tailrace init` in an empty folder to see what belongs into it.",
                where=Where(MAIN, 1),
            )
        )
    return tree


def read_companions(folder: Path, problems: list[ConfigError]) -> list[Node]:
    """The trees of `tailrace/**/*.yml`, in the order of their names; empty files count for nothing."""
    trees = [read_tree(folder, path, problems) for path in _companions(folder, problems)]
    return [tree for tree in trees if tree is not None]


def read_environment(folder: Path, environment: str, problems: list[ConfigError]) -> Node | None:
    """The tree of `tailrace.NAME.yml`, which must exist but may be empty."""
    path = folder / f"tailrace.{environment}.yml"
    if not path.exists():
        others = sorted(
            other.name.split(".", 1)[1].removesuffix(".yml") for other in folder.glob("tailrace.*.yml")
        )
        problems.append(
            ConfigError(
                f"There is no {path.name} for the environment {environment!r}.",
                hint=(f"There are: {', '.join(others)}. " if others else "")
                + f"Create {path.name} (it may be empty) to begin a new environment with a state of its own.",
                where=Where(path.name),
                code="environment_missing",
            )
        )
        return None
    return read_tree(folder, path, problems)


def read_text(folder: Path, name: str, where: Where, problems: list[ConfigError]) -> str | None:
    """The text of a file that a setting names, relative to the folder; None, and a problem, if unreadable."""
    try:
        return (folder / name).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        problem, hint = f"The file {name} is not UTF-8 text.", "Save it with the encoding UTF-8."
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        problem = f"The file {name} cannot be read: {reason}."
        hint = "The path is relative to the project folder."
    problems.append(ConfigError(problem, hint=hint, where=where))
    return None


def read_tree(folder: Path, path: Path, problems: list[ConfigError]) -> Node | None:
    """The tree of one YAML file, None where it holds nothing; its top must be a mapping."""
    name = path.relative_to(folder).as_posix()
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        problems.append(
            ConfigError(f"{name} cannot be read: {reason}.", hint="Check its permissions.", where=Where(name))
        )
        return None
    tree = read_yaml(content, name, problems)
    if tree is None or tree.value is None:
        return None
    if not isinstance(tree.value, dict):
        problems.append(
            ConfigError(
                f"{name} must hold entries of the form `name: value`.",
                hint="Begin with `version: 1` and `project: NAME`."
                if name == MAIN
                else "Begin with `models:`.",
                where=Where(name, tree.line),
            )
        )
        return None
    return tree


def _companions(folder: Path, problems: list[ConfigError]) -> Iterator[Path]:
    top = folder / COMPANIONS
    for path in sorted(top.rglob("*")) if top.is_dir() else ():
        if any(part.startswith(".") for part in path.relative_to(top).parts):
            continue
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            if path.is_symlink():
                problem = f"{name} is a link to a folder, which is not read."
                hint = "Put the folder itself here, or links to its files."
                problems.append(ConfigError(problem, hint=hint, where=Where(name)))
        elif path.suffix == ".yml":
            yield path
        elif path.suffix == ".yaml":
            problems.append(
                ConfigError(f"{name} is not read.", hint="Rename it: files end in .yml.", where=Where(name))
            )
