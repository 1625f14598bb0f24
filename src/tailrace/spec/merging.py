"""Joins the files of a project into one tree: companions add names, an environment's file goes over it."""

from __future__ import annotations

from collections.abc import Iterable

from tailrace.errors import ConfigError
from tailrace.spec.nodes import Node, Path
from tailrace.spec.problems import no_entries

SECTIONS = ("sources", "models", "destinations", "mappings")
_STATEMENTS = frozenset({"sql", "sql_file", "table"})
_TIMES = frozenset({"every", "cron"})


def join(main: Node, companions: Iterable[Node], problems: list[ConfigError]) -> Node:
    """One tree of several files side by side; a name in two of them is a problem that names both places."""
    whole = _entries(main)
    for companion in companions:
        for key, node in _entries(companion).items():
            before = whole.get(key)
            if key in SECTIONS and not isinstance(node.value, dict | None):
                problems.append(no_entries(key, companion.locate((key,))))
            elif before is None or before.value is None:
                whole[key] = node
            elif key in SECTIONS and isinstance(before.value, dict) and isinstance(node.value, dict):
                whole[key] = Node(_union(key, before, node, problems), before.file, before.line)
            elif node.value is not None and node.plain() != before.plain():
                problems.append(
                    ConfigError(
                        f"`{key}` stands here again with another value;"
                        f" the first is in {before.file}:{before.line}.",
                        hint="Keep it in tailrace.yml only.",
                        where=companion.locate((key,)),
                    )
                )
    return Node(whole, main.file, main.line)


def _entries(node: Node) -> dict[str, Node]:
    return dict(node.value) if isinstance(node.value, dict) else {}


def _union(section: str, first: Node, second: Node, problems: list[ConfigError]) -> dict[str, Node]:
    entries = _entries(first)
    for name, node in _entries(second).items():
        before = entries.get(name)
        if before is None:
            entries[name] = node
            continue
        problems.append(
            ConfigError(
                f"`{section}.{name}` stands here again; the first is in {before.file}:{before.line}.",
                hint="Rename one of the two, or merge them.",
                where=node.locate(()),
            )
        )
    return entries


def overlay(base: Node, over: Node, path: Path = ()) -> Node:
    """`over` laid on `base`: mappings merge key by key, all else is replaced.

    Replaced as a whole are a source or destination whose `type` changes, each field of a mapping, and what
    excludes each other: `sql`, `sql_file` and `table`; `every` and `cron`.
    """
    if not isinstance(base.value, dict) or not isinstance(over.value, dict) or _replaces(base, over, path):
        return over
    merged = dict(base.value)
    for alternatives in _alternatives(path):
        if alternatives & over.value.keys():
            merged = {key: node for key, node in merged.items() if key not in alternatives}
    for key, node in over.value.items():
        if not path and key in SECTIONS and node.value is None:
            continue  # a heading under which nothing is left
        merged[key] = overlay(merged[key], node, (*path, key)) if key in merged else node
    return Node(merged, base.file, base.line)


def _replaces(base: Node, over: Node, path: Path) -> bool:
    if len(path) == 2 and path[0] in ("sources", "destinations"):
        old, new = base.child("type"), over.child("type")
        return old is not None and new is not None and old.value != new.value
    return len(path) == 4 and path[0] == "mappings" and path[2] == "fields"


def _alternatives(path: Path) -> list[frozenset[str]]:
    if len(path) == 2 and path[0] == "models":
        return [_STATEMENTS]
    if len(path) == 3 and path[0] == "mappings" and path[2] == "schedule":
        return [_TIMES]
    return []
