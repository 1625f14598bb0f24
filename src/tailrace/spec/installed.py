"""The types of sources and destinations there are: our own, and those that installed packages add by entry point."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

SOURCES = "tailrace.sources"
DESTINATIONS = "tailrace.destinations"


def installed(group: str) -> dict[str, EntryPoint]:
    """Where each type of a group is found, by name in order; nothing is loaded."""
    return {point.name: point for point in sorted(entry_points(group=group), key=lambda point: point.name)}
