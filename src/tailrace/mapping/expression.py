"""The expression tree of a mapping: what each field is made of, however it was written.

Every notation of the files becomes these few nodes; the compiler and the fingerprint know nothing else.
Columns are already resolved to the model's own spelling, and SQL to DuckDB's canonical text, so that two
spellings of one mapping are one tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from tailrace.columns import Column
from tailrace.errors import ConfigError, Where

Path = tuple[str | int, ...]


class FieldError(ConfigError):
    """A field's expression cannot be used; `path` leads to it from the mapping's `fields`."""

    code = "mapping_invalid"

    def __init__(self, message: str, path: Path, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message, hint=hint, where=Where(field=dotted(("fields", *path))), code=code)
        self.path = path


def dotted(path: Path) -> str:
    """A path as people write it: `address.lines[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text


@dataclass(frozen=True, slots=True)
class Literal_:
    """A constant: any JSON value, decimals and big integers with their exact digits."""

    value: Any


@dataclass(frozen=True, slots=True)
class ColumnRef:
    """A column, or with `steps` a place inside a JSON, array or struct column."""

    column: Column
    steps: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Sql:
    """A scalar SQL expression that was proved safe.

    `text` is its canonical form and names the columns `k0`, `k1` … in the order of `columns`; `runnable` is
    the same with each column numbered as in the model.
    """

    text: str
    columns: tuple[Column, ...]
    runnable: str


@dataclass(frozen=True, slots=True)
class FilterCall:
    """One filter of a template and its arguments."""

    name: str
    arguments: tuple[Literal_ | ColumnRef, ...]


@dataclass(frozen=True, slots=True)
class Filtered:
    """A value sent through filters, left to right."""

    source: Node
    filters: tuple[FilterCall, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """Text with values set into it; NULL is empty there."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """The first branch whose condition holds."""

    branches: tuple[tuple[Sql, Node], ...]
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Object:
    """A JSON object; the order of the fields is the order on the wire."""

    fields: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Array:
    """A JSON array."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """An expression with a rule for NULL and for NaN."""

    inner: Node
    when_null: Literal["null", "omit"] | Node = "null"
    when_nan: Literal["reject", "null"] = "reject"


Node = Literal_ | ColumnRef | Sql | Filtered | Text | Case | Object | Array | Value


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below this one."""
    match node:
        case Filtered(source, filters):
            yield source
            for call in filters:
                yield from call.arguments
        case Text(parts):
            yield from parts
        case Case(branches, otherwise):
            for condition, value in branches:
                yield condition
                yield value
            yield otherwise
        case Object(fields):
            yield from (value for _, value in fields)
        case Array(items):
            yield from items
        case Value(inner, when_null, _):
            yield inner
            if not isinstance(when_null, str):
                yield when_null
        case _:
            return


def columns_of(node: Node) -> Iterator[str]:
    """The names of the columns a tree reads, in no particular order, possibly repeated."""
    if isinstance(node, ColumnRef):
        yield node.column.name
    elif isinstance(node, Sql):
        yield from (column.name for column in node.columns)
    for child in children(node):
        yield from columns_of(child)


def canonical(node: Node) -> Any:
    """The tree as plain JSON that says what it means and nothing of how it was written."""
    match node:
        case Literal_(value):
            return ["literal", _plain(value)]
        case ColumnRef(column, steps):
            return ["column", column.name, *steps]
        case Sql(text, columns, _):
            return ["sql", text, [column.name for column in columns]]
        case Filtered(source, filters):
            calls = [[call.name, [canonical(argument) for argument in call.arguments]] for call in filters]
            return ["filters", canonical(source), calls]
        case Text(parts):
            return ["text", [canonical(part) for part in parts]]
        case Case(branches, otherwise):
            listed = [[canonical(condition), canonical(value)] for condition, value in branches]
            return ["case", listed, canonical(otherwise)]
        case Object(fields):
            return ["object", {name: canonical(value) for name, value in fields}]
        case Array(items):
            return ["array", [canonical(item) for item in items]]
        case Value(inner, when_null, when_nan):
            rule = when_null if isinstance(when_null, str) else canonical(when_null)
            if rule == "null" and when_nan == "reject":
                return canonical(inner)
            return ["value", canonical(inner), rule, when_nan]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | str):
        return value
    return [type(value).__name__, str(value)]
