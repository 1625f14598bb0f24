"""The catalogue of filters: every function that a template may send a value through.

All are deterministic: the same record always renders the same. NULL stays NULL, except through `default` and
`if_empty`. A filter that cannot take a record's value refuses that record, never the others.
"""

from __future__ import annotations

from dataclasses import replace

from tailrace.mapping.catalogue_logic import LOGIC
from tailrace.mapping.catalogue_numbers import DATES, NUMBERS
from tailrace.mapping.catalogue_text import HASHES, TEXTS
from tailrace.mapping.expression import FieldError, Path
from tailrace.mapping.filters import Filter
from tailrace.spec.suggest import closest

__all__ = ["FILTERS", "Filter", "filter_named"]

_ALIASES = {
    "slice": "substring",
    "float": "number",
    "downcase": "lower",
    "upcase": "upper",
    "strip": "trim",
    "string": "text",
    "boolean": "bool",
    "size": "length",
}


def _catalogue() -> dict[str, Filter]:
    found = {one.name: one for one in (*TEXTS, *NUMBERS, *DATES, *HASHES, *LOGIC)}
    for alias, name in _ALIASES.items():
        found[alias] = replace(found[name], alias_of=name)
    return found


FILTERS: dict[str, Filter] = _catalogue()
"""Every filter by name, aliases included."""


def filter_named(name: str, path: Path) -> Filter:
    """The filter of this name. Raises FieldError with what was probably meant."""
    found = FILTERS.get(name)
    if found is not None:
        return found
    close = closest(name, FILTERS)
    meant = f"Did you mean `{close}`? " if close else ""
    listed = ", ".join(sorted(one.name for one in FILTERS.values() if one.alias_of is None))
    raise FieldError(f"there is no filter `{name}`", path, hint=f"{meant}Filters: {listed}.")
