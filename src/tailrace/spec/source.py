"""A source as the user writes it: the settings that all warehouses share, and those of its type."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from tailrace.spec.installed import SOURCES
from tailrace.spec.types import Duration, Name, Spec

Remember = Literal["values", "checksum"]


class SourceSpec(Spec):
    """A warehouse connection: what all warehouses share, and the settings of its type."""

    types: ClassVar[str] = SOURCES

    name: Name
    type: Name = Field(description="The kind of warehouse, as `tailrace sources` lists them.")
    schema_name: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        alias="schema",
        description="The managed schema, where Tailrace keeps its state in the warehouse.",
    )
    remember: Remember = Field(
        default="values",
        description="What is kept per record: its `values` as delivered, or only a `checksum` of them.",
    )
    concurrency: Annotated[int, Field(ge=1, le=256)] | None = Field(
        default=None, description="Most units of work that read from this warehouse at the same time."
    )
    commit_interval: Duration | None = Field(
        default=None,
        description="How often at least the progress of a running sync is written to the warehouse.",
    )
    statement_timeout: Duration | None = Field(
        default=None, description="When a single statement in the warehouse is given up."
    )
    settings: dict[str, Any] = Field(default_factory=dict, repr=False)
    """References such as `${env:NAME}` stand here unresolved."""
