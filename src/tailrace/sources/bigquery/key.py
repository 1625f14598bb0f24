"""A service account's key: checked before it is used, and nothing inside it is followed.

Google's own libraries would post a signed assertion to whatever `token_uri` a pasted key names, and other types of
credentials can name files, addresses and programs to run. So only the plain type is taken, and the address that
tokens come from is ours.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tailrace.errors import ConfigError, Where

_TOKEN_URIS = ("https://oauth2.googleapis.com/token", "https://accounts.google.com/o/oauth2/token")
"""What the console has written into keys; any of them means the first."""
_UNIVERSE = "googleapis.com"
_HINT = 'Paste the whole JSON file of the key, or name it: credentials: "${file:key.json}".'


@dataclass(frozen=True, slots=True)
class Key:
    """What is used of a key; the rest is dropped. Its repr shows no secret."""

    email: str
    project: str
    private_key: str
    private_key_id: str

    def __repr__(self) -> str:
        return f"Key({self.email}, {self.private_key_id[:8]}…)"

    def info(self, token_uri: str) -> dict[str, str]:
        """The key as Google's libraries take it, with the address that tokens come from."""
        return {
            "type": "service_account",
            "client_email": self.email,
            "project_id": self.project,
            "private_key": self.private_key,
            "private_key_id": self.private_key_id,
            "token_uri": token_uri,
        }


def read_key(text: str, source: str) -> Key:
    """The key in `text`. Raises ConfigError, which never shows a part of it."""
    found = _document(text, source)
    kind = found.get("type")
    if kind != "service_account":
        shown = (
            f"of the type {kind!r}" if isinstance(kind, str) and kind.isidentifier() else "of no known type"
        )
        raise _wrong(
            source,
            f"the credentials are {shown}; only a service account's key is taken",
            "Create a key of a service account: IAM & Admin > Service accounts > Keys > Add key > JSON.",
        )
    for name in ("client_email", "private_key", "project_id"):
        if not isinstance(found.get(name), str) or not found[name].strip():
            raise _wrong(source, f"the key lacks {name!r}", _HINT)
    if found.get("token_uri", _TOKEN_URIS[0]) not in _TOKEN_URIS:
        raise _wrong(
            source,
            "the key names another token address than Google's; it was not asked",
            "Download the key again from Google Cloud, and find out who changed this one.",
        )
    if found.get("universe_domain", _UNIVERSE) != _UNIVERSE:
        raise _wrong(
            source,
            "the key belongs to another universe than googleapis.com",
            "Use a key of a project on Google Cloud itself.",
        )
    if "PRIVATE KEY-----" not in found["private_key"]:
        raise _wrong(source, "the key's 'private_key' is no PEM text", _HINT)
    return Key(
        found["client_email"], found["project_id"], found["private_key"], str(found.get("private_key_id", ""))
    )


def _document(text: str, source: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        raise _wrong(source, "the credentials are no JSON", _HINT) from None
    if not isinstance(found, dict):
        raise _wrong(source, "the credentials are no JSON object", _HINT)
    return found


def _wrong(source: str, what: str, hint: str) -> ConfigError:
    return ConfigError(
        f"source {source!r}: credentials: {what}",
        hint=hint,
        where=Where(field=f"sources.{source}.credentials"),
        code="source_settings",
    )
