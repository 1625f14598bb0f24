"""How a model's used columns stand in the managed tables: under which name and in which form (R15, R16)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

from tailrace.columns import Column, Kind
from tailrace.sources.dialect import Dialect

OWN = frozenset(
    {
        *("record_id", "record_level_id", "delivered", "uncertain", "baseline", "checksum", "synced_n"),
        "digest",
        *("record_version", "record_removed", "record_age"),
        *("operation", "bucket", "seq", "prior_id", "reason", "total"),
    }
)
"""The names of our own columns in records and plan tables; a model's column of such a name gets another."""

NAME_LENGTH = 55
"""Longer names are cut, so that a suffix still fits into 63 bytes of ASCII."""


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A model's column `name` as managed tables hold it: in `stored`, of kind and type `kind`, `native`."""

    name: str
    stored: str
    kind: Kind
    native: str
    model: str = ""
    """The type it has in the model now; empty where it is the stored one."""
    retired: bool = False
    """The mapping no longer uses it; it stays in the records table until a reset (R16)."""

    @property
    def column(self) -> Column:
        """The stored form, named as in the model."""
        return Column(self.name, self.kind, self.native)

    def from_model(self, dialect: Dialect, expr: str) -> str:
        """A model's value in its stored form."""
        model = Column(self.name, self.kind, self.model or self.native)
        value = dialect.store_expr(expr, model)
        return value if dialect.storage(model).native == self.native else dialect.cast(value, self.native)


def used(columns: Iterable[StoredColumn]) -> tuple[StoredColumn, ...]:
    """The columns that the mapping uses now."""
    return tuple(column for column in columns if not column.retired)


def store_columns(
    dialect: Dialect,
    wanted: Sequence[Column],
    previous: Sequence[StoredColumn] = (),
    leftovers: Mapping[str, str] = MappingProxyType({}),
    gone: Collection[str] = (),
) -> tuple[StoredColumn, ...]:
    """Where each wanted column of the model stands, in the order wanted, and after them the retired ones.

    A column keeps its place while its type class stays, in a type that holds old and new values. With another
    class, or where the warehouse cannot widen it in place, it gets a new place beside the old one: not under the
    name of one of the `leftovers`, the table's columns that no plan knows, unless that has its type; nor of one
    that is `gone`, for some warehouses take no name again that was dropped.
    """
    taken = {*OWN, *(column.stored.lower() for column in previous)}
    found: list[StoredColumn] = []
    for column in wanted:
        stored = dialect.storage(column)
        place = latest(
            old for old in previous if old.stored not in gone and _same_class(dialect, old, stored)
        )
        wide = dialect.widen(place.column, stored) if place else None
        in_place = (
            place and wide and (wide.native == place.native or dialect.alters(place.native, wide.native))
        )
        if place and wide and in_place:
            found.append(StoredColumn(column.name, place.stored, wide.kind, wide.native, column.native))
        else:
            made = wide or stored
            others = {name for name, native in leftovers.items() if native != made.native}
            name = _free_name(column.name, taken | others)
            taken.add(name.lower())
            found.append(StoredColumn(column.name, name, made.kind, made.native, column.native))
    places = {column.stored for column in found}
    retired = [replace(old, retired=True) for old in previous if old.stored not in places]
    return (*found, *retired)


def latest(places: Iterable[StoredColumn]) -> StoredColumn | None:
    """Of a column's places, listed as `store_columns` does, the one that holds what was delivered last."""
    found = list(places)
    return next((column for column in found if not column.retired), found[-1] if found else None)


def _same_class(dialect: Dialect, old: StoredColumn, wanted: Column) -> bool:
    return old.name == wanted.name and dialect.widen(old.column, wanted) is not None


def _free_name(name: str, taken: set[str]) -> str:
    """The model's own name where it is free, else with a number behind it."""
    if name.lower() not in taken and len(name.encode()) <= NAME_LENGTH:
        return name
    short = name.encode()[:NAME_LENGTH].decode(errors="ignore")
    number = 2
    while f"{short}_{number}".lower() in taken:
        number += 1
    return f"{short}_{number}"


def values_checksum(dialect: Dialect, columns: Sequence[StoredColumn], alias: str) -> str:
    """The checksum of a stored row's used values, whatever the order of columns (R13)."""
    ordered = sorted(used(columns), key=lambda column: column.name)
    return dialect.checksum(
        [(f"{alias}.{dialect.quote(column.stored)}", column.column) for column in ordered]
    )


def columns_to_json(columns: Sequence[StoredColumn]) -> list[dict[str, Any]]:
    """The list that the checkpoint keeps."""
    return [asdict(column) | {"kind": column.kind.value} for column in columns]


def columns_from_json(document: Sequence[Mapping[str, Any]]) -> tuple[StoredColumn, ...]:
    """The columns from the checkpoint's list."""
    return tuple(StoredColumn(**{**entry, "kind": Kind(entry["kind"])}) for entry in document)
