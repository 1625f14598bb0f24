"""How requests prove who we are: header builders, and a hook for credentials that can be renewed."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Auth:
    """Headers for every request; `refresh` gets new credentials once after a 401, where that is possible."""

    headers: Callable[[], Mapping[str, str]] = field(default=dict, repr=False)
    refresh: Callable[[], Awaitable[bool]] | None = field(default=None, repr=False)
    """True if the credentials changed, so that one more attempt makes sense."""


def no_auth(_settings: object = None) -> Auth:
    """Nothing is added."""
    return Auth()


def bearer(token: str) -> Auth:
    """`Authorization: Bearer …`."""
    return Auth(headers=lambda: {"Authorization": f"Bearer {token}"})


def basic(user: str, password: str) -> Auth:
    """`Authorization: Basic …`."""
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Auth(headers=lambda: {"Authorization": f"Basic {encoded}"})
