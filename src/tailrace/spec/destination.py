"""A destination as the user writes it: its type, and the settings of that type."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tailrace.spec.types import Name, Spec


class DestinationSpec(Spec):
    """A configured business tool: its type, and the settings of that type."""

    name: Name
    type: Name = Field(description="The kind of business tool: webhook, or one that a package adds.")
    settings: dict[str, Any] = Field(default_factory=dict, repr=False)
    """References such as `${env:NAME}` stand here unresolved."""
