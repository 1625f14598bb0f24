"""Reads one YAML file into a tree of nodes, and says plainly what is wrong with it.

Plain values follow YAML 1.2, so that `NO`, `on`, `12:30` and `007` stay the text they look like; keys are
always text. Nothing but mappings, lists, text, numbers, true, false and null comes out, whatever its tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from tailrace.errors import ConfigError, Where
from tailrace.spec.nodes import Node, Scalar
from tailrace.spec.yaml_errors import control_character, syntax_error, too_deep, too_large

MOST_NODES = 200_000
DEEPEST = 60
_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(
    r"[-+]?(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+|(?:0|[1-9][0-9]*)(?=[eE]))(?:[eE][-+]?[0-9]+)?", re.ASCII
)
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULL = {"", "~", "null", "Null", "NULL"}
_EXPLICIT = {int: "int", float: "float", bool: "bool", type(None): "null"}
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(content: bytes, file: str, problems: list[ConfigError]) -> Node | None:
    """The tree of one file, None where it holds nothing usable; what is wrong is appended to `problems`."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        hint = "Save it with the encoding UTF-8 in your editor."
        problems.append(ConfigError("This file is not UTF-8 text.", hint=hint, where=Where(file, line)))
        return None
    try:
        return _Tree(file, problems, yaml.parse(text, Loader=_Loader)).document()
    except yaml.MarkedYAMLError as error:
        problems.append(syntax_error(error, file, text))
    except yaml.reader.ReaderError as error:
        problems.append(control_character(file, text.count("\n", 0, error.position) + 1))
    except _Stop as stop:
        problems.append(stop.error)
    return None


class _Stop(Exception):
    """The rest of the file cannot be read."""

    def __init__(self, error: ConfigError) -> None:
        super().__init__(error.message)
        self.error = error


class _Tree:
    """Builds nodes from the parser's events; keeps count, so that neither depth nor aliases can blow up."""

    def __init__(self, file: str, problems: list[ConfigError], events: Iterator[Any]) -> None:
        self._file = file
        self._problems = problems
        self._events = events
        self._anchors: dict[str, tuple[Node, int] | None] = {}
        self._count = 0

    def document(self) -> Node | None:
        """The only document of the file, None if there is none."""
        root = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise yaml.MarkedYAMLError(
                        "expected a single document", None, "but found another document", event.start_mark
                    )
                first = next(self._events)
                root = self._node(first, _line(first), 0)
        return root

    def _node(self, event: Any, line: int, depth: int) -> Node:
        self._count += 1
        if depth > DEEPEST:
            raise _Stop(too_deep(self._file, line, DEEPEST))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, line)
        if event.anchor:
            self._anchors[event.anchor] = None
        before = self._count
        if isinstance(event, yaml.MappingStartEvent):
            self._check_tag(event, "map")
            node = Node(self._mapping(depth), self._file, line)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._check_tag(event, "seq")
            items = [self._node(item, _line(item), depth + 1) for item in self._until(yaml.SequenceEndEvent)]
            node = Node(items, self._file, line)
        else:
            node = Node(self._scalar(event), self._file, line)
        if event.anchor:
            self._anchors[event.anchor] = node, self._count - before
        self._check_size(line)
        return node

    def _alias(self, event: Any, line: int) -> Node:
        if event.anchor not in self._anchors:
            raise yaml.MarkedYAMLError(
                None, None, f"found undefined alias '{event.anchor}'", event.start_mark
            )
        anchored = self._anchors[event.anchor]
        if anchored is None:
            raise _Stop(too_deep(self._file, line, DEEPEST))
        self._count += anchored[1]
        self._check_size(line)
        return Node(anchored[0].value, self._file, line)

    def _check_size(self, line: int) -> None:
        if self._count > MOST_NODES:
            raise _Stop(too_large(self._file, line, MOST_NODES))

    def _until(self, end: type) -> Iterator[Any]:
        while not isinstance(event := next(self._events), end):
            yield event

    def _mapping(self, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        inherited: dict[str, Node] = {}
        for key_event in self._until(yaml.MappingEndEvent):
            line = _line(key_event)
            if not isinstance(key_event, yaml.ScalarEvent):
                self._node(key_event, line, depth + 1)
                self._node(next(self._events), line, depth + 1)
                self._problem(
                    line,
                    "A name is expected here, but this is a list or a mapping.",
                    'Text that begins with { or [ needs quotes, for example email: "{{ email | lower }}".',
                )
                continue
            key: str = key_event.value
            child = self._node(next(self._events), line, depth + 1)
            if key == "<<" and key_event.implicit[0]:
                for name, node in self._merged(child):
                    inherited.setdefault(name, node)
            elif key in entries:
                self._problem(
                    line,
                    f"`{key}` stands here a second time; the first is in line {entries[key].line}.",
                    "Remove or rename one of the two.",
                    field=key,
                )
            else:
                entries[key] = child
        return inherited | entries

    def _merged(self, source: Node) -> Iterator[tuple[str, Node]]:
        """What a merge key (`<<: *name`) brings in; the first of several wins."""
        for part in source.value if isinstance(source.value, list) else [source]:
            if isinstance(part.value, dict):
                yield from part.value.items()
            else:
                self._problem(
                    part.line, "`<<` needs an alias of a mapping.", "Write for example `<<: *common`."
                )

    def _scalar(self, event: Any) -> Scalar:
        text: str = event.value
        if event.implicit[0]:
            return plain_value(text)
        if event.tag:
            value = plain_value(text)
            kind = _EXPLICIT.get(type(value))
            if kind and event.tag == _TAG + kind:
                return value
            self._check_tag(event, "str")
        return text

    def _check_tag(self, event: Any, expected: str) -> None:
        if event.tag not in (None, "!", _TAG + expected):
            self._problem(
                _line(event),
                f"The tag `{event.tag.replace(_TAG, '!!')}` is not supported here.",
                "Remove it; text that begins with ! needs quotes.",
            )

    def _problem(self, line: int, message: str, hint: str, field: str | None = None) -> None:
        self._problems.append(ConfigError(message, hint=hint, where=Where(self._file, line, field)))


def _line(event: Any) -> int:
    return event.start_mark.line + 1


def plain_value(text: str) -> Scalar:
    """What an unquoted value means (YAML 1.2, and numbers only where they would be written so again)."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text) if len(text) < 4000 else text
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
