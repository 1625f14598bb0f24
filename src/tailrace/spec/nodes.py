"""A tree of what the files say, in which every node knows its file and line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from tailrace.errors import Where

Path: TypeAlias = tuple[str | int, ...]
Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a file; of an entry of a mapping, the line is that of its key."""

    value: Scalar | dict[str, Node] | list[Node]
    file: str
    line: int

    def plain(self) -> Any:
        """The value without its places: dicts, lists, text, numbers, true, false and None."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def child(self, step: str | int) -> Node | None:
        """The node one step below, or None."""
        if isinstance(self.value, dict):
            return self.value.get(str(step))
        if isinstance(self.value, list) and isinstance(step, int) and 0 <= step < len(self.value):
            return self.value[step]
        return None

    def find(self, path: Path) -> Node | None:
        """The node at a path below this one, or None."""
        node: Node | None = self
        for step in path:
            node = node.child(step) if node else None
        return node

    def replaced(self, path: Path, node: Node) -> Node:
        """The same tree with another node at a path; this tree stays as it is."""
        if not path:
            return node
        step, rest = path[0], path[1:]
        below = self.child(step)
        if not isinstance(self.value, dict) or (rest and below is None):
            return self
        inner = below.replaced(rest, node) if below else node
        return Node({**self.value, str(step): inner}, self.file, self.line)

    def locate(self, path: Path) -> Where:
        """Where a path stands, or else the nearest node above it that is there."""
        node = self
        for step in path:
            below = node.child(step)
            if below is None:
                break
            node = below
        return Where(file=node.file, line=node.line, field=dotted(path) or None)


def dotted(path: Path) -> str:
    """A path as people write it.

    >>> dotted(("mappings", "a", "fail_on", 0))
    'mappings.a.fail_on[0]'
    """
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text
