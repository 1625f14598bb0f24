"""A destination as the user writes it: its type, and the settings of that type."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from tailrace.spec.installed import DESTINATIONS
from tailrace.spec.types import Name, Spec


class DestinationSpec(Spec):
    """A configured business tool: its type, and the settings of that type."""

    types: ClassVar[str] = DESTINATIONS

    name: Name
    type: Name = Field(description="The kind of business tool, as `tailrace destinations` lists them.")
    settings: dict[str, Any] = Field(default_factory=dict, repr=False)
    """References such as `${env:NAME}` stand here unresolved."""
