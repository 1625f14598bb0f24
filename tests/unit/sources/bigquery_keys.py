"""A service account's key for tests, made once; nobody else has ever heard of it."""

from __future__ import annotations

import functools
import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

EMAIL = "tailrace@shop-project.iam.gserviceaccount.com"


@functools.cache
def _private_key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def key(**changes: Any) -> str:
    """The key's JSON text, with `changes`; a change to None leaves a field out."""
    fields = {
        "type": "service_account",
        "project_id": "shop-project",
        "private_key_id": "0123456789abcdef",
        "private_key": _private_key(),
        "client_email": EMAIL,
        "client_id": "1",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "universe_domain": "googleapis.com",
    } | changes
    return json.dumps({name: value for name, value in fields.items() if value is not None})


def settings(**changes: Any) -> dict[str, Any]:
    """The source's settings, with `changes`; a change to None leaves a setting out."""
    found = {"credentials": key(), "location": "EU"} | changes
    return {name: value for name, value in found.items() if value is not None}
