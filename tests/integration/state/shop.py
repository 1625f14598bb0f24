"""A user's warehouse of either kind with models on it, and plans made from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from tailrace.columns import Column
from tailrace.sources.base import Session, Source
from tailrace.sources.duckdb.source import DuckDBSource
from tailrace.state import tables
from tailrace.state.columns import StoredColumn, used, values_checksum
from tailrace.state.counts import assert_plan
from tailrace.state.evolve import Evolution, evolve_records
from tailrace.state.fence import Fence
from tailrace.state.names import StateNames
from tailrace.state.plan import PlanStatements, plan_statements
from tailrace.state.plan_read import read_unit, stream_plan, units
from tailrace.state.plan_request import PlanRequest
from tailrace.state.plan_table import (
    PlanCounts,
    complete_deletions,
    count_plan,
    create_plan,
    limit_plan,
)
from tailrace.state.records import column_names, records_of, records_rows, run_writes
from tailrace.state.seal import renew_digests

UPSERT = frozenset({"added", "updated"})
MIRROR = frozenset({"added", "updated", "deleted"})


@dataclass
class Shop:
    """One mapping over one model; `deliver` stands in for delivery and commit."""

    source: Source
    run_sql: Any
    names: StateNames = field(init=False)
    stored: tuple[StoredColumn, ...] | None = None
    n: int = 0
    operations: frozenset[str] = MIRROR
    remember: str = "values"

    def __post_init__(self) -> None:
        self.names = StateNames(self.source.schema, "map_12345678")

    @property
    def dialect(self) -> Any:
        return self.source.dialect

    @property
    def postgres(self) -> bool:
        return self.source.type == "postgres"

    def run(self, *statements: str) -> None:
        """The user's own SQL."""
        self.run_sql(*statements)

    def table(self, name: str) -> str:
        return self.dialect.table(self.names.schema, name)

    @property
    def records(self) -> str:
        """What the state holds, to select from, called `r`."""
        return f"{records_rows(self.dialect, self.names)} AS r"

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.source.session() as session:
            return session.rows(statement)

    def execute(self, *statements: str) -> None:
        with self.source.session() as session:
            for statement in statements:
                session.execute(statement)

    def columns(self, sql: str) -> dict[str, Column]:
        return {column.name: column for column in self.source.describe(sql)}

    def row_count(self) -> int:
        return 0 if self.stored is None else int(self.rows(f"SELECT count(*) FROM {self.records}")[0][0])

    def set_up(self) -> None:
        with self.source.session() as session:
            tables.ensure_schema(session, self.dialect, self.names.schema)
            tables.ensure_mapping(
                session, self.dialect, self.names, source_id="s", model_id="m", project="p", mapping="map"
            )

    def evolve(
        self,
        sql: str,
        *,
        wanted: Sequence[str] | None = None,
        apply: bool = True,
        through: Callable[[Session], Session] = lambda session: session,
    ) -> Evolution:
        described = self.columns(sql)
        with self.source.session() as session:
            return evolve_records(
                through(session),
                self.dialect,
                self.names,
                [described[name] for name in (wanted or described)],
                self.stored,
                row_count=self.row_count(),
                remember=self.remember,  # type: ignore[arg-type]
                apply=apply,
            )

    def request(
        self,
        sql: str,
        key: str | Sequence[str] = "id",
        *,
        wanted: Sequence[str] | None = None,
        apply: bool = True,
        **more: Any,
    ) -> PlanRequest:
        described = self.columns(sql)
        evolution = self.evolve(sql, wanted=wanted, apply=apply)
        keys = [key] if isinstance(key, str) else key
        return PlanRequest(
            **{
                "sql": sql,
                "where": None,
                "key": tuple(described[name] for name in keys),
                "columns": evolution.columns,
                "records": evolution.records,
                "operations": self.operations,
                "first": self.stored is None,
                "remember": self.remember,
                **more,
            }
        )

    def plan(
        self, sql: str, key: str | Sequence[str] = "id", *, limit: int | None = None, **more: Any
    ) -> Planned:
        self.set_up()
        request = self.request(sql, key, **more)
        self.n += 1
        table = self.names.changes(self.n, "a")
        with self.source.session(model=True) as session:
            create_plan(session, self.dialect, self.names, table, request)
            if limit is not None:
                limit_plan(session, self.dialect, self.names, table, limit)
            complete_deletions(session, self.dialect, self.names, table, request)
            counts = count_plan(session, self.dialect, self.names, table)
        return Planned(self, table, request, counts)

    def preview(self, sql: str, key: str | Sequence[str] = "id", **more: Any) -> list[dict[str, Any]]:
        """What `tailrace plan` streams."""
        return self.preview_of(self.request(sql, key, apply=False, **more))

    def preview_of(self, request: PlanRequest) -> list[dict[str, Any]]:
        with (
            self.source.session(model=True) as session,
            stream_plan(session, self.dialect, self.names, request) as rows,
        ):
            return rows.read_all().to_pylist()

    def forget(self) -> None:
        """As `reset` does."""
        self.set_up()
        self.execute(self.dialect.drop_table(self.table(self.names.records)))
        self.stored = None

    def sync(self, sql: str, key: str | Sequence[str] = "id", **more: Any) -> Planned:
        planned = self.plan(sql, key, **more)
        planned.deliver()
        return planned


@dataclass
class Planned:
    shop: Shop
    table: str
    request: PlanRequest
    counts: PlanCounts

    def statements(self) -> PlanStatements:
        return plan_statements(self.shop.dialect, self.shop.names, self.request)

    def checksum(self, alias: str) -> str:
        return values_checksum(self.shop.dialect, self.request.columns, alias)

    def changes(self) -> dict[str, list[str | None]]:
        """Keys by operation, in reading order."""
        found: dict[str, list[str | None]] = {}
        for operation, key in self.shop.rows(
            f"SELECT operation, record_id FROM {self.shop.table(self.table)} WHERE operation <> 'count'"
            " ORDER BY operation, seq, record_id"
        ):
            found.setdefault(operation, []).append(key)
        return {operation: sorted(keys, key=str) for operation, keys in found.items()}

    def send(self) -> list[dict[str, Any]]:
        """What would be rendered, in reading order."""
        sent: list[dict[str, Any]] = []
        with self.shop.source.session() as session:
            d, names, columns = self.shop.dialect, self.shop.names, self.request.columns
            for unit in units(session, d, names, self.table, columns):
                batch = read_unit(session, d, names, self.table, unit.span, columns)
                assert batch.num_rows == unit.records
                sent += batch.to_pylist()
        assert [row["_seq"] for row in sent] == sorted(row["_seq"] for row in sent)
        return sent

    def deliver(self, *, only: Sequence[str] | None = None, outcome: str = "delivered") -> None:
        """Commit the plan as if everything (or the keys `only`) had that outcome."""
        shop, d = self.shop, self.shop.dialect
        plan = shop.table(self.table)
        columns = used(self.request.columns)
        if shop.stored is None:
            with shop.source.session() as session:
                tables.create_records(session, d, shop.names, columns, shop.remember)  # type: ignore[arg-type]
        shop.stored = self.request.columns
        which = "" if only is None else f" AND record_id IN ({', '.join(d.literal(key) for key in only)})"
        held = [column.stored for column in columns] if shop.remember == "values" else ["checksum"]
        held += ["digest"] if d.compares_digests and shop.remember == "values" else []

        def rows(*operations: str) -> str:
            listed = ", ".join(d.literal(operation) for operation in operations)
            return f"SELECT * FROM {plan} WHERE operation IN ({listed}){which}"

        no_text = d.cast("NULL", d.type_of("text"))

        def values(*, delivered: bool, uncertain: bool, baseline: str = no_text) -> dict[str, str]:
            own = {"delivered": d.literal(delivered), "uncertain": d.literal(uncertain), "baseline": baseline}
            return {name: f"c.{d.quote(name)}" for name in held} | own | {"synced_n": str(shop.n)}

        fence = Fence(d, shop.names, "", 0, 0)
        sent = values(delivered=outcome != "unknown", uncertain=outcome == "unknown")
        known = values(delivered=False, uncertain=False, baseline=d.from_character("c.operation", 10))
        with shop.source.session() as session:
            if self.request.outdates(d):
                renew_digests(session, fence, columns)
            state = records_of(fence, column_names(session, fence))
            run_writes(session, state.remove(rows("deleted", "drop"), shop.n))
            older = f"r.synced_n <> {shop.n}"
            run_writes(session, state.put(rows("added", "updated", "fill"), sent, older))
            run_writes(session, state.put(rows("baseline_unsent", "baseline_known"), known, None))


def make_shop(source: Source, database: Any) -> Shop:
    if not isinstance(source, DuckDBSource):
        return Shop(source, database.sql)

    path = str(source.files.data)

    def run(*statements: str) -> None:
        with duckdb.connect(path) as connection:
            for statement in statements:
                connection.execute(statement)

    run("SELECT 1")
    return Shop(source, run)


def add(shop: Shop, *rows: tuple[object, ...]) -> None:
    """Insert rows into `customers`."""
    literal = shop.dialect.literal
    values = ", ".join(f"({', '.join(literal(value) for value in row)})" for row in rows)
    shop.run(f"INSERT INTO customers VALUES {values}")


def check(planned: Planned, model_rows: int) -> None:
    """Hold the sums of R32."""
    assert planned.counts.counts.model_rows == model_rows
    assert_plan(planned.counts.counts)
    assert_plan(planned.counts.unlimited)
