"""The shop that is synced: a first state, 20,000 changes on top of it, and what must be true after them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.warehouses import SCHEMA, Warehouse

from tailrace.ids import state_id

MAPPING = "customers_to_crm"
BATCH, CONCURRENCY = 50, 2
FIRST = 16_000
ADDED, UPDATED, DELETED = 8_000, 6_000, 6_000
CHANGES = ADDED + UPDATED + DELETED
COUNTS = (
    "model_rows", "added", "updated", "deleted", "unchanged", "planned", "delivered", "rejected", "aborted", "unknown",
)  # fmt: skip
_COLUMNS = "id, name, plan, amount"


@dataclass(frozen=True)
class Shop:
    """A project's folder with its warehouse."""

    folder: Path
    warehouse: Warehouse

    def configure(self, url: str, *, batch: int = BATCH, commit_interval: str = "60s") -> None:
        """Write `tailrace.yml`."""
        settings = {**self.warehouse.settings(), "commit_interval": commit_interval}
        sql = self.warehouse.model(f"SELECT {_COLUMNS} FROM customers")
        model = {"source": "warehouse", "key": "id", "sql": sql}
        webhook = {"type": "webhook", "url": url, "batch": batch, "concurrency": CONCURRENCY}
        mapping = {
            "model": "customers",
            "destination": "crm",
            "action": "send",
            "mode": "mirror",
            "guards": {"max_delete_percent": 100},
        }
        document = {
            "version": 1,
            "project": "chaos",
            "sources": {"warehouse": settings},
            "models": {"customers": model},
            "destinations": {"crm": webhook},
            "mappings": {MAPPING: mapping},
        }
        (self.folder / "tailrace.yml").write_text(json.dumps(document))

    def fill(self) -> None:
        """What the first sync finds."""
        self.warehouse.data(
            "CREATE TABLE customers (id bigint, name text, plan text, amount decimal(12, 2))",
            "INSERT INTO customers SELECT i, 'Name ' || CAST(i AS varchar), CASE i % 2 WHEN 0 THEN 'free' END,"
            f" i * CAST('1.25' AS decimal(12, 2)) FROM generate_series(1, {FIRST}) AS g(i)",
        )

    def change(self) -> None:
        """Adds, updates and deletes, spread over all keys."""
        self.warehouse.data(
            f"DELETE FROM customers WHERE id % 8 < 3 AND id <= {FIRST}",
            f"UPDATE customers SET plan = 'pro', amount = amount + 1 WHERE id % 8 > 4 AND id <= {FIRST}",
            "INSERT INTO customers SELECT i, 'New ' || CAST(i AS varchar), NULL, "
            f"i * CAST('0.5' AS decimal(12, 2)) FROM generate_series({FIRST + 1}, {FIRST + ADDED}) AS g(i)",
        )

    def model(self) -> dict[str, dict[str, Any]]:
        """The model's records as a receiver must hold them."""
        rows = self.warehouse.data(f"SELECT {_COLUMNS} FROM customers")
        return {str(row[0]): _record(row) for row in rows}

    def accepted(self) -> dict[str, dict[str, Any]]:
        """The state's records, each of which must be delivered and certain."""
        table = f"{SCHEMA}.records_{state_id('chaos', None, MAPPING)}"
        rows = self.warehouse.state(f"SELECT {_COLUMNS}, record_id, delivered, uncertain FROM {table}")
        assert all(row[-2] and not row[-1] for row in rows)
        return {row[4]: _record(row[:4]) for row in rows}

    def checkpoint(self) -> tuple[str, int, str | None]:
        """Phase, row count and owner."""
        table = f"{SCHEMA}.checkpoints_{state_id('chaos', None, MAPPING)}"
        return self.warehouse.state(f"SELECT phase, row_count, owner FROM {table}")[0]  # type: ignore[return-value]

    def plan_tables(self) -> list[str]:
        """Plans that were not dropped."""
        rows = self.warehouse.state(
            f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{SCHEMA}'"
        )
        return [name for (name,) in rows if name.startswith("changes_")]

    def in_flight(self) -> int:
        """Batches that the control store says were offered and not resolved."""
        store = self.folder / ".tailrace" / "store.db"
        if not store.exists():
            return 0
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            return sum(
                len(json.loads(spans)) for (spans,) in connection.execute("SELECT in_flight FROM units")
            )

    def sync_log(self) -> list[dict[str, Any]]:
        """Every sync after the first, as the warehouse's own log has it."""
        names = [*COUNTS, "by_operation", "status", "sync_id"]
        rows = self.warehouse.state(
            f"SELECT {', '.join(names)} FROM {SCHEMA}.sync_log WHERE n > 1 AND planned > 0 ORDER BY n"
        )
        syncs = [dict(zip(names, row, strict=True)) for row in rows]
        return [sync | {"by_operation": json.loads(sync["by_operation"])} for sync in syncs]


def _record(row: tuple[Any, ...]) -> dict[str, Any]:
    number, name, plan, amount = row
    return {"id": number, "name": name, "plan": plan, "amount": float(amount)}
