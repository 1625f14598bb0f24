"""Finds the class of a source's type: our own and those that installed packages add by entry point."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailrace.errors import ConfigError
from tailrace.spec.installed import SOURCES, installed
from tailrace.spec.suggest import did_you_mean

if TYPE_CHECKING:
    from tailrace.sources.base import Source
    from tailrace.spec.source import SourceSpec

_DRIVERS: dict[str, dict[str, str]] = {
    "azure": {"mssql_python": "mssql-python"},
    "bigquery": {
        "google.cloud.bigquery": "google-cloud-bigquery",
        "google.cloud.bigquery_storage": "google-cloud-bigquery-storage",
        "google.auth": "google-auth",
        "grpc": "grpcio",
    },
    "db2": {"ibm_db": "ibm-db"},
    "duckdb": {"duckdb": "duckdb"},
    "postgres": {"psycopg": "psycopg", "adbc_driver_postgresql": "adbc-driver-postgresql"},
}
"""Of our own types, the modules that each needs, and the packages that they come in."""


def source_types() -> list[str]:
    """The types of sources that can be configured here."""
    return list(installed(SOURCES))


def source_type(type_name: str) -> type[Any]:
    """The class of a type of source. Raises ConfigError if there is none, or its driver is missing."""
    entry = installed(SOURCES).get(type_name)
    if entry is None:
        raise ConfigError(
            f"there is no source type {type_name!r}",
            hint=did_you_mean(type_name, source_types()),
            code="source_type_unknown",
        )
    try:
        for module in _DRIVERS.get(type_name, ()):
            _require(module)
        return entry.load()
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"the driver for source type {type_name!r} is not installed: there is no module {error.name!r}",
            hint=f"Install it with: {_installation(type_name)}",
            code="source_driver_missing",
        ) from None


def _installation(type_name: str) -> str:
    brought = _package(type_name)
    return f"pip install '{brought}'" if brought else f"pip install 'tailrace[{type_name}]'"


def _package(type_name: str) -> str | None:
    """The package that adds a type which is none of our own."""
    entry = installed(SOURCES).get(type_name)
    if type_name in _DRIVERS or entry is None or entry.dist is None:
        return None
    return entry.dist.name


def packages(type_name: str) -> tuple[str, ...]:
    """The packages that a type of source runs on; of a type that a package adds, that package."""
    brought = _package(type_name)
    return (brought,) if brought else tuple(_DRIVERS.get(type_name, {}).values())


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


def _require(module: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)
