"""The types of sources and destinations there are: our own, and those that installed packages add by entry point."""

from __future__ import annotations

import functools
import sys
from importlib.metadata import EntryPoint, EntryPoints, entry_points

SOURCES = "tailrace.sources"
DESTINATIONS = "tailrace.destinations"


def installed(group: str) -> dict[str, EntryPoint]:
    """Where each type of a group is found, by name in order; nothing is loaded."""
    found = _found(group, tuple(sys.path))
    return {point.name: point for point in sorted(found, key=lambda point: point.name)}


@functools.cache
def _found(group: str, path: tuple[str, ...]) -> EntryPoints:
    """Looked for once, for it reads the metadata of every package on the path."""
    del path
    return entry_points(group=group)
