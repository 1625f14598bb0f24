"""A whole project, read and checked, with the place of everything in it."""

from __future__ import annotations

from pathlib import Path as FilePath

from pydantic import Field, InstanceOf

from tailrace.errors import Where
from tailrace.ids import state_id
from tailrace.spec.destination import DestinationSpec
from tailrace.spec.mapping import MappingSpec
from tailrace.spec.model import ModelSpec
from tailrace.spec.nodes import Node, Path
from tailrace.spec.source import SourceSpec
from tailrace.spec.types import Name, Spec


class Project(Spec):
    """What `tailrace.yml` and its companions say, merged for one environment."""

    name: Name
    environment: Name | None = None
    folder: FilePath
    sources: dict[str, SourceSpec] = Field(default_factory=dict)
    models: dict[str, ModelSpec] = Field(default_factory=dict)
    destinations: dict[str, DestinationSpec] = Field(default_factory=dict)
    mappings: dict[str, MappingSpec] = Field(default_factory=dict)
    written: InstanceOf[Node] = Field(
        default_factory=lambda: Node({}, "tailrace.yml", 1), exclude=True, repr=False
    )

    def state_id(self, mapping: MappingSpec) -> str:
        """What the state of one of its mappings is kept under: its own id, or the one it had before a rename."""
        project, name = self.renamed(mapping) or (self.name, mapping.id)
        return state_id(project, self.environment, name)

    def renamed(self, mapping: MappingSpec) -> tuple[str, str] | None:
        """The project and the id that a renamed mapping had before; None for any other."""
        if mapping.previously is None:
            return None
        before, _, after = mapping.previously.rpartition("/")
        return before or self.name, after

    def location(self, path: Path) -> Where:
        """Where a path such as ("mappings", "customers", "fields", "email") stands in the files.

        Settings stand directly in their source or destination: ("sources", "warehouse", "path"). The
        statement of a model that names a file is in that file. A path that is not written down gives the
        nearest place above it.
        """
        return self.written.locate(path)
