"""Finds destination types by the entry points of group `tailrace.destinations`."""

from __future__ import annotations

from importlib.metadata import entry_points

from tailrace.destinations.define import Destination
from tailrace.errors import ConfigError
from tailrace.spec.suggest import did_you_mean

GROUP = "tailrace.destinations"


def destination_types() -> list[str]:
    """The types that are installed, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def destination_type(name: str) -> Destination:
    """The declaration of a type; raises ConfigError where it is unknown or cannot be loaded."""
    for point in entry_points(group=GROUP, name=name):
        try:
            declared = point.load()
        except ImportError as error:
            raise ConfigError(
                f"The destination type `{name}` cannot be loaded: {error.name or error} is missing.",
                hint="Install the package of this destination again, with its requirements.",
                code="destination_not_loadable",
            ) from error
        if not isinstance(declared, Destination):
            raise ConfigError(
                f"The entry point of the destination type `{name}` is not a Destination.",
                hint=f"It names {point.value}; that must be a tailrace.destinations.define.Destination.",
                code="destination_not_loadable",
            )
        return declared
    raise ConfigError(f"There is no destination type `{name}`.", hint=did_you_mean(name, destination_types()))
