"""Finds destination types by the entry points of group `tailrace.destinations`."""

from __future__ import annotations

from tailrace.destinations.define import Destination
from tailrace.errors import ConfigError
from tailrace.spec.installed import DESTINATIONS, installed
from tailrace.spec.suggest import did_you_mean


def destination_types() -> list[str]:
    """The types that are installed, sorted."""
    return list(installed(DESTINATIONS))


def destination_type(name: str) -> Destination:
    """The declaration of a type; raises ConfigError where it is unknown or cannot be loaded."""
    point = installed(DESTINATIONS).get(name)
    if point is None:
        raise ConfigError(
            f"There is no destination type `{name}`.", hint=did_you_mean(name, destination_types())
        )
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
