"""Finds the model's column that a mapping means, whatever its letters' case."""

from __future__ import annotations

from collections.abc import Sequence

from tailrace.columns import Column, Kind
from tailrace.mapping.expression import FieldError, Path
from tailrace.spec.suggest import closest


class Columns:
    """The columns of a model by name; without a list (files checked offline) every name is taken as known."""

    def __init__(self, columns: Sequence[Column] | None) -> None:
        self.known = columns is not None
        self._order: list[Column] = list(columns or ())
        self._exact = {column.name: column for column in self._order}
        self._folded: dict[str, list[Column]] = {}
        for column in self._order:
            self._folded.setdefault(column.name.casefold(), []).append(column)

    def __iter__(self):
        return iter(self._order)

    def find(self, name: str) -> Column | None:
        """The column of this name, or the only one that differs in letter case alone."""
        if name in self._exact:
            return self._exact[name]
        alike = self._folded.get(name.casefold(), [])
        if len(alike) == 1:
            return alike[0]
        if not self.known and name:
            return self._add(name)
        return None

    def get(self, name: str, path: Path, otherwise: str = "") -> Column:
        """The column of this name. Raises FieldError with what was probably meant, and `otherwise`."""
        column = self.find(name)
        if column is not None:
            return column
        alike = self._folded.get(name.casefold(), [])
        if alike:
            listed = " or ".join(f"`{one.name}`" for one in alike)
            raise FieldError(f"`{name}` could be {listed}", path, hint="Write the column's exact spelling.")
        raise FieldError(
            f"the model has no column `{name}`",
            path,
            hint=f"{self.suggest(name)}{otherwise}",
            code="column_unknown",
        )

    def suggest(self, name: str) -> str:
        """A hint for a name that does not exist."""
        names = [column.name for column in self._order]
        close = closest(name, names)
        listed = ", ".join(names[:40]) + (f" and {len(names) - 40} more" if len(names) > 40 else "")
        meant = f"Did you mean `{close}`? " if close else ""
        return f"{meant}Columns: {listed}."

    def index(self, column: Column) -> int:
        """The position of a column in the model."""
        return self._order.index(column)

    def _add(self, name: str) -> Column:
        column = Column(name, Kind.OTHER, "")
        self._order.append(column)
        self._exact[name] = column
        self._folded.setdefault(name.casefold(), []).append(column)
        return column
