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

MOST_NODES = 200_000
DEEPEST = 60
_TAG = "tag:yaml.org,2002:"
_PLAIN = "plain"
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(
    r"[-+]?(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+|(?:0|[1-9][0-9]*)(?=[eE]))(?:[eE][-+]?[0-9]+)?", re.ASCII
)
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULL = {"", "~", "null", "Null", "NULL"}
_EXPLICIT = {int: _TAG + "int", float: _TAG + "float", bool: _TAG + "bool", type(None): _TAG + "null"}
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # pyright: ignore[reportGeneralTypeIssues]
    """Composes nodes and leaves the meaning of plain scalars to this module."""

    def resolve(self, kind: Any, value: str | None, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else f"{_TAG}str"
        return f"{_TAG}seq" if kind is yaml.SequenceNode else f"{_TAG}map"


def read_yaml(content: bytes, file: str, problems: list[ConfigError]) -> Node | None:
    """The tree of one file, None where it holds nothing usable; what is wrong is appended to `problems`."""
    text = _decode(content, file, problems)
    if text is None:
        return None
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        return _Tree(file, problems).node(root, root.start_mark.line + 1, 0) if root is not None else None
    except yaml.MarkedYAMLError as error:
        problems.append(_syntax(error, file, text))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problems.append(
            ConfigError(
                "This file holds a character that YAML does not allow (a control character).",
                hint="Delete it, or write it in double quotes as an escape such as \\x07.",
                where=Where(file, line),
            )
        )
    except RecursionError:
        problems.append(_too_deep(file, None))
    except _Stop as stop:
        problems.append(stop.error)
    finally:
        loader.dispose()
    return None


class _Stop(Exception):
    def __init__(self, error: ConfigError) -> None:
        super().__init__(error.message)
        self.error = error


class _Tree:
    """Turns composed YAML nodes into ours; keeps count, so that aliases cannot blow up."""

    def __init__(self, file: str, problems: list[ConfigError]) -> None:
        self._file = file
        self._problems = problems
        self._count = 0

    def node(self, source: Any, line: int, depth: int) -> Node:
        self._count += 1
        if depth > DEEPEST:
            raise _Stop(_too_deep(self._file, line))
        if self._count > MOST_NODES:
            raise _Stop(
                ConfigError(
                    f"This file unfolds to more than {MOST_NODES:,} values.",
                    hint="Use fewer aliases (`*name`), or split the file in several under tailrace/.",
                    where=Where(self._file, line),
                )
            )
        if isinstance(source, yaml.MappingNode):
            return Node(self._mapping(source, depth), self._file, line)
        if isinstance(source, yaml.SequenceNode):
            self._check_tag(source, "seq")
            items = [self.node(item, item.start_mark.line + 1, depth + 1) for item in source.value]
            return Node(items, self._file, line)
        return Node(self._scalar(source), self._file, line)

    def _mapping(self, source: yaml.MappingNode, depth: int) -> dict[str, Node]:
        self._check_tag(source, "map")
        entries: dict[str, Node] = {}
        inherited: dict[str, Node] = {}
        for key_node, value_node in source.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(
                    line,
                    "A name is expected here, but this is a list or a mapping.",
                    'Text that begins with { or [ needs quotes, for example email: "{{ email | lower }}".',
                )
                continue
            key = key_node.value
            if key == "<<" and key_node.tag == _PLAIN:
                inherited |= {
                    name: node for name, node in self._merged(value_node, depth) if name not in inherited
                }
                continue
            child = self.node(value_node, line, depth + 1)
            if key in entries:
                self._problem(
                    line,
                    f"`{key}` stands here a second time; the first is in line {entries[key].line}.",
                    "Remove or rename one of the two.",
                    field=key,
                )
                continue
            entries[key] = child
        return inherited | entries

    def _merged(self, source: Any, depth: int) -> Iterator[tuple[str, Node]]:
        """What a merge key (`<<: *name`) brings in; the first of several wins."""
        parts = source.value if isinstance(source, yaml.SequenceNode) else [source]
        for part in parts:
            if isinstance(part, yaml.MappingNode) and depth < DEEPEST:
                yield from self._mapping(part, depth + 1).items()
            else:
                self._problem(
                    part.start_mark.line + 1,
                    "`<<` needs an alias of a mapping.",
                    "Write for example `<<: *common`.",
                )

    def _scalar(self, source: yaml.ScalarNode) -> Scalar:
        text: str = source.value
        if source.tag == _PLAIN:
            return plain_value(text)
        value = plain_value(text)
        if source.tag == _EXPLICIT.get(type(value)):
            return value
        self._check_tag(source, "str")
        return text

    def _check_tag(self, source: Any, expected: str) -> None:
        if source.tag != _TAG + expected:
            self._problem(
                source.start_mark.line + 1,
                f"The tag `{source.tag.replace(_TAG, '!!')}` is not supported here.",
                "Remove it; text that begins with ! needs quotes.",
            )

    def _problem(self, line: int, message: str, hint: str, field: str | None = None) -> None:
        self._problems.append(ConfigError(message, hint=hint, where=Where(self._file, line, field)))


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


def _decode(content: bytes, file: str, problems: list[ConfigError]) -> str | None:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problems.append(
            ConfigError(
                "This file is not UTF-8 text.",
                hint="Save it with the encoding UTF-8 in your editor.",
                where=Where(file, line),
            )
        )
        return None


def _too_deep(file: str, line: int | None) -> ConfigError:
    return ConfigError(
        f"This nests deeper than {DEEPEST} levels, or an alias contains itself.",
        hint="Flatten it.",
        where=Where(file, line),
    )


_HINTS = (
    (r"\\t|tab", "Indent with spaces; YAML does not allow tabs."),
    (
        r"mapping values are not allowed",
        "Text that contains `: ` needs quotes, and entries of one level the same indent.",
    ),
    (
        r"undefined alias",
        "Text that begins with * needs quotes; an alias needs an anchor (`&name`) above it.",
    ),
    (
        r"single document",
        "Keep one document per file: remove the line `---`, or put the rest into a file under tailrace/.",
    ),
    (r"cannot start any token", "Text that begins with @, ` or % needs quotes."),
    (r"quoted scalar", "A quote is not closed; look at this line and the ones above."),
    (
        r"flow|',' or|'\}'|'\]'",
        'Text with { } [ ] , needs quotes inside {…} and […], for example "${env:NAME}".',
    ),
    (
        r"block|'<document start>'|did not find expected key",
        "Give entries of one level the same indent, and each its `name:`.",
    ),
)


def _syntax(error: yaml.MarkedYAMLError, file: str, text: str) -> ConfigError:
    problem, context = error.problem or "", error.context or ""
    ended = "end of stream" in problem
    mark = (error.context_mark if ended else None) or error.problem_mark or error.context_mark
    lines = text.splitlines() or [""]
    line = min(mark.line + 1, len(lines)) if mark else 1
    said = f"{context} {problem}"
    hint = next((hint for shape, hint in _HINTS if re.search(shape, said)), "")
    if re.match(r" *\t", lines[line - 1]):
        hint = _HINTS[0][1]
    return ConfigError(
        f"This is not valid YAML: {said.strip() if problem.startswith('but ') or not problem else problem}.",
        hint=hint or "Check quotes and indentation of this line and the one above.",
        where=Where(file, line),
    )
