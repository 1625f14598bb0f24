"""Identities: of a mapping's state, of a sync, and digests over length-prefixed parts."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

_SLUG = re.compile(r"[^a-z0-9]+")
_JOINED = 1 << 13
"""Less is copied together, which is faster than many small steps."""


def digest(*parts: str | bytes) -> str:
    """The SHA-256 (hex) of the parts, each prefixed with its length, so that no two lists of parts collide."""
    pieces: list[bytes] = []
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        pieces += (len(data).to_bytes(8, "big"), data)
    if sum(map(len, pieces)) <= _JOINED:
        return hashlib.sha256(b"".join(pieces)).hexdigest()
    hasher = hashlib.sha256()
    for piece in pieces:
        hasher.update(piece)
    return hasher.hexdigest()


def state_id(project: str, environment: str | None, mapping_id: str) -> str:
    """The `<id>` in the managed tables' names: readable, and different for every project and environment."""
    slug = _SLUG.sub("_", mapping_id.lower()).strip("_")[:24]
    return f"{slug}_{digest(project, environment or '', mapping_id)[:8]}"


def sync_id(started_at: datetime, token: str) -> str:
    """The id of a new sync: sorts by time, and differs also when a managed schema was made anew."""
    return f"{started_at:%Y%m%d-%H%M%S}-{token[:6]}"
