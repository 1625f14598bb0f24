"""The demo's folder: its project, its DuckDB file, and what the model says, asked independently."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

from tailrace.errors import ConfigError

_MARK = ".tailrace-demo"
_OURS = (
    "tailrace.yml",
    "shop.sql",
    "edits.sql",
    "shop.duckdb",
    "shop.duckdb.wal",
    "shop.tailrace.duckdb",
    "shop.tailrace.duckdb.wal",
)
_EXPECTED = """
SELECT id,
       to_json({
           id: id,
           email: lower(trim(email)),
           greeting: 'Hi ' || coalesce(first_name, 'there') || '!',
           country: country,
           tier: CASE WHEN plan = 'pro' THEN 'gold' ELSE 'basic' END,
           orders: (SELECT count(*) FROM orders o WHERE o.customer_id = c.id),
           spent: (SELECT coalesce(sum(o.total), 0) FROM orders o WHERE o.customer_id = c.id),
           last_order: (SELECT max(o.ordered_on) FROM orders o WHERE o.customer_id = c.id)
       })
FROM customers c WHERE id IS NOT NULL
"""


class Shop:
    """A folder that belongs to the demo, recognised by its mark."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def clear(self) -> dict[str, str]:
        """Remove what an earlier demo made, and give its notes; raises ConfigError elsewhere."""
        if not self.folder.exists() or not any(self.folder.iterdir()):
            return {}
        mark = self.folder / _MARK
        if not mark.exists():
            raise ConfigError(
                f"{self.folder} is there and was not made by the demo",
                hint="Nothing was changed. Choose another folder: --dir DIR.",
                code="folder_not_empty",
            )
        notes = json.loads(mark.read_text(encoding="utf-8") or "{}")
        for name in _OURS:
            (self.folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.folder / ".tailrace", ignore_errors=True)
        return notes

    def build(self, url: str, notes: dict[str, str]) -> None:
        """Write the project and fill the shop."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / _MARK).write_text(json.dumps(notes), encoding="utf-8")
        for name in ("tailrace.yml", "shop.sql", "edits.sql"):
            (self.folder / name).write_text(_packaged(name).replace("@URL@", url), encoding="utf-8")
        self.run("shop.sql")

    def run(self, script: str) -> None:
        """Run one of the folder's SQL files on the shop."""
        import duckdb

        with duckdb.connect(str(self.folder / "shop.duckdb")) as connection:
            connection.execute((self.folder / script).read_text(encoding="utf-8"))

    def expected(self) -> dict[str, Any]:
        """Every payload as it should be, by key, computed without Tailrace."""
        import duckdb

        with duckdb.connect(str(self.folder / "shop.duckdb"), read_only=True) as connection:
            rows = connection.execute(_EXPECTED).fetchall()
        return {str(key): json.loads(text, parse_float=Decimal) for key, text in rows}


def differences(held: dict[str, Any], expected: dict[str, Any], refused: set[str]) -> list[str]:
    """The keys at which the receiver and the model disagree, refused ones aside."""
    keys = (held.keys() | expected.keys()) - refused
    return sorted(key for key in keys if held.get(key) != expected.get(key))


def _packaged(name: str) -> str:
    return (resources.files("tailrace.cli.demo") / name).read_text(encoding="utf-8")
