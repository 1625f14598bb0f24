"""What `tailrace plan` is shown of a plan, before anything is made in the warehouse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.integration.state.shop import Shop


def set_aside(shop: Shop, sql: str, key: str | Sequence[str] = "id") -> dict[tuple[str, str | None], int]:
    """How many rows were set aside by reason and key; a null key has none."""
    rows = [row for row in shop.preview(sql, key) if row["_operation"] == "set_aside"]
    return Counter((row["_reason"], None if row["_reason"] == "null" else row["_key"]) for row in rows)
