"""Finds the class of a source's type: our own and those that installed packages add by entry point."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailrace.errors import ConfigError

if TYPE_CHECKING:
    from tailrace.sources.base import Source
    from tailrace.spec.source import SourceSpec

GROUP = "tailrace.sources"
_DRIVERS = {
    "azure": ("mssql_python",),
    "bigquery": ("google.cloud.bigquery", "google.cloud.bigquery_storage"),
    "postgres": ("psycopg", "adbc_driver_postgresql"),
    "db2": ("ibm_db",),
    "duckdb": ("duckdb",),
}


def source_types() -> list[str]:
    """The types of sources that can be configured here."""
    return sorted(_entries())


def source_type(type_name: str) -> type[Any]:
    """The class of a type of source. Raises ConfigError if there is none, or its driver is missing."""
    entry = _entries().get(type_name)
    if entry is None:
        raise ConfigError(
            f"there is no source type {type_name!r}",
            hint=f"Known types: {', '.join(source_types())}.",
            code="source_type_unknown",
        )
    try:
        for module in _DRIVERS.get(type_name, ()):
            _require(module)
        return entry.load()
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"the driver for source type {type_name!r} is not installed: there is no module {error.name!r}",
            hint=f"Install it with: pip install 'tailrace[{type_name}]'",
            code="source_driver_missing",
        ) from None


def open_source(spec: SourceSpec, settings: dict[str, Any], folder: Path) -> Source:
    """The source as configured; `settings` are its settings with references resolved. Connects nowhere."""
    return source_type(spec.type)(
        spec.name,
        settings,
        schema=spec.schema_name,
        remember=spec.remember,
        commit_interval=spec.commit_interval,
        statement_timeout=spec.statement_timeout,
        folder=folder,
    )


def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _require(module: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)
