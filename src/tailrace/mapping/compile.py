"""Compiles a mapping's fields over a model's columns, and tells what the mapping reads and what it means."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tailrace.columns import Column
from tailrace.errors import ConfigError, ConfigErrors
from tailrace.ids import digest
from tailrace.mapping.coerce import ActionField
from tailrace.mapping.expression import FieldError, Object, canonical, columns_of
from tailrace.mapping.parse import parse_fields
from tailrace.spec.suggest import closest

if TYPE_CHECKING:
    from tailrace.mapping.render import Renderer

COMPILER_VERSION = "1"
"""Changes when the same tree would render differently; then every mapping counts as edited (R17)."""


@dataclass(frozen=True, slots=True)
class CompiledMapping:
    """A mapping that is known to work for a model's columns."""

    tree: Object
    columns: tuple[Column, ...]
    """All columns of the model."""
    action_fields: tuple[ActionField, ...] = ()
    whole: bool = False
    """Every column is sent as it is: the mapping names no fields."""
    _canonical: str = field(default="", repr=False)

    @property
    def used_columns(self) -> tuple[str, ...]:
        """The names of the columns that the mapping reads, in the model's order."""
        used = set(columns_of(self.tree))
        return tuple(column.name for column in self.columns if column.name in used)

    @property
    def field_names(self) -> tuple[str, ...]:
        """The names of the payload's fields, in their order on the wire."""
        return tuple(name for name, _ in self.tree.fields)

    @property
    def fingerprint(self) -> str:
        """A digest of what the mapping means: spelling, key order and column order do not matter."""
        return digest("mapping", COMPILER_VERSION, self._canonical)

    def renderer(
        self,
        outputs: Mapping[str, str] | None = None,
        *,
        payloads: bool = True,
        threads: int = 1,
        memory_limit: str = "1GB",
        timeout: float = 30.0,
    ) -> Renderer:
        """A renderer of records.

        `outputs` are further columns, as DuckDB SQL over `payload`, `error_field`, `error_message` and the
        passthrough columns. Without `payloads` the payload itself is not given back, only what is made of it.
        """
        from tailrace.mapping.render import Renderer

        return Renderer(
            self,
            dict(outputs or {}),
            payloads=payloads,
            threads=threads,
            memory_limit=memory_limit,
            timeout=timeout,
        )


def compile_mapping(
    fields: Mapping[str, Any] | None,
    columns: Sequence[Column],
    *,
    action_fields: Sequence[ActionField] | None = None,
) -> CompiledMapping:
    """Compile `fields` (None: every column as it is) over the model's columns.

    Raises FieldError, or ConfigErrors where there are several; each names its field and what to do.
    """
    from tailrace.mapping.render import prove

    tree = parse_fields(fields, columns)
    declared = tuple(action_fields or ())
    errors = _against(tree, declared)
    meaning: Any = "every column" if fields is None else canonical(tree)
    compiled = CompiledMapping(
        tree,
        tuple(columns),
        declared,
        fields is None,
        json.dumps(
            [meaning, sorted((one.name, one.type, one.required, one.multiple) for one in declared)],
            sort_keys=True,
            ensure_ascii=False,
        ),
    )
    errors.extend(prove(compiled))
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ConfigErrors(errors)
    return compiled


def _against(tree: Object, declared: tuple[ActionField, ...]) -> list[ConfigError]:
    """What the action says against the names of the fields."""
    if not declared:
        return []
    names = [one.name for one in declared]
    given = [name for name, _ in tree.fields]
    errors: list[ConfigError] = []
    for name in given:
        if name not in names:
            close = closest(name, names)
            meant = f"Did you mean `{close}`? " if close else ""
            errors.append(
                FieldError(
                    f"the action has no field `{name}`",
                    (name,),
                    hint=f"{meant}Fields: {', '.join(names)}.",
                    code="field_unknown",
                )
            )
    for one in declared:
        if one.required and one.name not in given:
            errors.append(
                FieldError(
                    f"the action requires the field `{one.name}`",
                    (one.name,),
                    hint=f"Add `{one.name}: $column` to `fields`.",
                    code="field_required",
                )
            )
    return errors
