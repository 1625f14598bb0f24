"""Reads a project folder into a Project, collecting everything that is wrong with its place and a remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any, TypeVar

from pydantic import ValidationError

from tailrace.errors import ConfigError, ConfigErrors, Where
from tailrace.spec import files
from tailrace.spec.destination import DestinationSpec
from tailrace.spec.linking import check_links
from tailrace.spec.mapping import MappingSpec
from tailrace.spec.merging import SECTIONS, join, overlay
from tailrace.spec.model import ModelSpec, select_all
from tailrace.spec.nodes import Node, dotted
from tailrace.spec.problems import described, keys_of, no_entries, unknown_key, wrong_value
from tailrace.spec.project import Project
from tailrace.spec.references import WRITE_REFERENCES, malformed, references_in
from tailrace.spec.source import SourceSpec
from tailrace.spec.types import NAME_PATTERN, WRITTEN, Spec, check_name

VERSION = 1
TOP_KEYS = ("version", "project", *SECTIONS)
_STATEMENTS = ("sql", "sql_file", "table")
_Entry = TypeVar("_Entry", bound=Spec)


def load_project(folder: FilePath, environment: str | None, environ: Mapping[str, str]) -> Project:
    """The project in `folder` for one environment (TAILRACE_ENV where none is given).

    Connects nowhere and resolves no reference. ConfigErrors holds all that is wrong, with file, line, remedy.
    """
    chosen = environment or environ.get("TAILRACE_ENV") or None
    loading = _Loading(folder)
    root = loading.read(chosen)
    project = loading.build(root, chosen) if root else None
    if loading.problems or project is None:
        raise ConfigErrors(sorted(loading.problems, key=_order))
    return project


def _order(problem: ConfigError) -> tuple[bool, str, int]:
    where = problem.where or Where()
    return where.file != files.MAIN, where.file or "", where.line or 0


class _Loading:
    """One reading of the files; `problems` grows as it goes."""

    def __init__(self, folder: FilePath) -> None:
        self._folder = folder
        self.problems: list[ConfigError] = []
        self._whole = True

    def read(self, environment: str | None) -> Node | None:
        """One tree of all files; None if there is no usable main file."""
        main = files.read_main(self._folder, self.problems)
        companions = files.read_companions(self._folder, self.problems)
        over = None
        if environment:
            try:
                over = files.read_environment(self._folder, check_name(environment), self.problems)
            except ValueError as error:
                self.problems.append(wrong_value(f"--env {environment}", error, Where()))
        self._whole = not self.problems
        if main is None:
            return None
        root = join(main, companions, self.problems)
        return overlay(root, over) if over else root

    def build(self, root: Node, environment: str | None) -> Project | None:
        """The project that the tree describes; None if anything is wrong with it."""
        self._check_top(root)
        sources = self._entries(root, "sources", SourceSpec)
        models = self._models(root)
        destinations = self._entries(root, "destinations", DestinationSpec)
        mappings = self._entries(root, "mappings", MappingSpec)
        if self._whole:  # with a file missing, every name in it would seem unknown
            self.problems += check_links(root, mappings)
        name = root.child("project")
        if self.problems or name is None:
            return None
        return Project(
            name=name.plain(),
            environment=environment,
            folder=self._folder,
            sources=sources,
            models=models,
            destinations=destinations,
            mappings=mappings,
            written=_with_statements(root, models),
        )

    def _report(self, message: str, hint: str, where: Where) -> None:
        self.problems.append(ConfigError(message, hint=hint, where=where))

    def _check_top(self, root: Node) -> None:
        entries = root.value if isinstance(root.value, dict) else {}
        for key in entries:
            if key not in TOP_KEYS and not key.startswith("x-"):
                self.problems.append(unknown_key(root, (key,), list(TOP_KEYS)))
        version = entries.get("version")
        if version is None or version.value is None:
            self._report(
                "`version` is missing.", "Write `version: 1` into the first line.", Where(files.MAIN, 1)
            )
        elif isinstance(version.value, int) and version.value > VERSION:
            self._report(
                f"These files have version {version.value}; this Tailrace reads version {VERSION}.",
                "Upgrade Tailrace.",
                root.locate(("version",)),
            )
        elif version.value != VERSION or isinstance(version.value, bool):
            self._report(
                "`version` must be 1.", "Write `version: 1`, without quotes.", root.locate(("version",))
            )
        project = entries.get("project")
        if project is None or project.value is None:
            self._report(
                "`project` is missing.",
                "Give the project a name, for example `project: shop`. It is part of the state's identity.",
                Where(files.MAIN, 1),
            )
        else:
            try:
                check_name(project.plain())
            except ValueError as error:
                self.problems.append(wrong_value("project", error, root.locate(("project",))))

    def _section(self, root: Node, section: str) -> dict[str, Node]:
        """The usable entries of a section: well named, and mappings themselves."""
        node = root.child(section)
        if node is None or node.value is None:
            return {}
        if not isinstance(node.value, dict):
            self.problems.append(no_entries(section, root.locate((section,))))
            return {}
        usable: dict[str, Node] = {}
        for name, entry in node.value.items():
            where = root.locate((section, name))
            try:
                check_name(name)
            except ValueError as error:
                self.problems.append(wrong_value(f"{section}.{name}", error, where))
            if isinstance(entry.value, dict):
                usable[name] = entry
            elif entry.value is None:
                off = " To stop a mapping, write `enabled: false`." if section == "mappings" else ""
                self._report(
                    f"`{section}.{name}` is empty.", f"Write its settings below it, indented.{off}", where
                )
            else:
                self._report(
                    f"`{section}.{name}` must hold entries of the form `name: value`.",
                    "Write its settings below it, indented, without dashes.",
                    where,
                )
        return usable

    def _entries(self, root: Node, section: str, spec: type[_Entry]) -> dict[str, _Entry]:
        found: dict[str, _Entry] = {}
        for name, node in self._section(root, section).items():
            entry = self._entry(root, section, name, spec, node.plain())
            if entry is not None:
                found[name] = entry
        return found

    def _entry(
        self, root: Node, section: str, name: str, spec: type[_Entry], values: dict[str, Any]
    ) -> _Entry | None:
        path = (section, name)
        values = _without_nulls(values)
        if "settings" in spec.model_fields:
            own = {key: values.pop(key) for key in keys_of(spec) if key in values and key != "settings"}
            for below, message in malformed(values):
                self._report(
                    f"`{dotted((*path, *below))}`: {message}", WRITE_REFERENCES, root.locate((*path, *below))
                )
            values = own | {"settings": values}
        elif "name" in values:
            self.problems.append(unknown_key(root, (*path, "name"), keys_of(spec)))
            del values["name"]
        self._refuse_references(root, path, values)
        named = name if re.fullmatch(NAME_PATTERN, name) else "unnamed"  # its name was reported before
        try:
            return spec.model_validate({**values, "name": named}, context=WRITTEN)
        except ValidationError as error:
            self.problems += described(error, spec, root, path)
            return None

    def _refuse_references(self, root: Node, path: tuple[str, str], values: dict[str, Any]) -> None:
        for key, value in values.items():
            if key in ("settings", "fields"):
                continue
            for reference in references_in(value):
                place = (*path, key, *reference.path)
                self._report(
                    f"`{dotted(place)}` cannot hold a reference such as ${{{reference.scheme}:…}}.",
                    "References work in the settings of sources and destinations. For what differs between"
                    " environments, use a file tailrace.NAME.yml.",
                    root.locate(place),
                )

    def _models(self, root: Node) -> dict[str, ModelSpec]:
        found: dict[str, ModelSpec] = {}
        for name, node in self._section(root, "models").items():
            values = node.plain()
            statement = self._statement(root, name, values)
            entry = self._entry(root, "models", name, ModelSpec, values | {"sql": statement or "SELECT 1"})
            if entry is not None and statement is not None:
                found[name] = entry
        return found

    def _statement(self, root: Node, name: str, values: dict[str, Any]) -> str | None:
        """The SQL of a model, from wherever it is; None, and a problem, if there is not exactly one."""
        given = [key for key in _STATEMENTS if values.get(key) is not None]
        where = root.locate(("models", name, *given[1:2]))
        if len(given) != 1:
            both = " and ".join(f"`{key}`" for key in given)
            self._report(
                f"models.{name} has {both}." if given else f"models.{name} has no statement.",
                "Give exactly one of `sql`, `sql_file` and `table`.",
                where,
            )
            return None
        where = root.locate(("models", name, given[0]))
        text = values[given[0]]
        if not isinstance(text, str) or not text.strip():
            self._report(
                f"`models.{name}.{given[0]}` must be text, and not empty.", "Put quotes around it.", where
            )
            values.pop(given[0])
            return None
        if given[0] == "table":
            try:
                return select_all(text)
            except ValueError as error:
                self.problems.append(wrong_value(f"models.{name}.table", error, where))
                return None
        if given[0] == "sql":
            return text
        statement = files.read_text(self._folder, text, where, self.problems)
        if statement is not None and not statement.strip():
            self._report(
                f"The file {text} of models.{name} is empty.", "Write one SELECT statement into it.", where
            )
            return None
        return statement


def _with_statements(root: Node, models: Mapping[str, ModelSpec]) -> Node:
    """The tree in which the statement of a model that names a file is located in that file."""
    for name, model in models.items():
        if model.sql_file is not None:
            path = ("models", name, "sql")
            root = root.replaced(path, Node(model.sql, model.sql_file, 1))
    return root


def _without_nulls(values: dict[str, Any]) -> dict[str, Any]:
    """An empty value is the same as leaving the key out; inside `fields` null is a value."""
    kept = {key: value for key, value in values.items() if value is not None}
    for key in ("guards", "schedule"):
        if isinstance(kept.get(key), dict):
            kept[key] = {name: value for name, value in kept[key].items() if value is not None}
    return kept
