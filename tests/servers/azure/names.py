"""What names mean to a session."""

from __future__ import annotations

from typing import Protocol

from sqlglot import exp
from tests.servers.azure.catalog import Table


class Names(Protocol):
    """What names mean to a session."""

    @property
    def pool(self) -> str:
        """The database that it is in."""
        ...

    def table(self, schema: str, name: str) -> Table | None:
        """A table that the session can name; the empty schema is its default one."""
        ...


def table_name(node: exp.Table) -> str:
    """A table's name; the parser cuts the sign of a temporary one off."""
    temporary = isinstance(node.this, exp.Identifier) and node.this.args.get("temporary")
    return f"#{node.name}" if temporary and not node.name.startswith("#") else node.name
