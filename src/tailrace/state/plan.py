"""The statements that find what changed (R5–R10, R13–R17, R23): they evaluate the model once.

Rows that need no attention are counted, not stored: they come out as rows of the operation `count`, whose
`reason` says what was counted and whose `total` how many.

Where the warehouse computes a common table expression once, a plan is one statement. Elsewhere what must be read
twice is put into a *stage* first, a table that only this session sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain

from tailrace.errors import TailraceError
from tailrace.sources.base import Session
from tailrace.sources.dialect import BUCKET_SHIFT, Dialect
from tailrace.state.names import StateNames
from tailrace.state.operations import CANDIDATE, COUNTED_ONLY, SENDABLE
from tailrace.state.plan_pairs import DELETED_ID as DELETED_ID
from tailrace.state.plan_pairs import JUDGED, Pairs, literals, select
from tailrace.state.plan_request import LEADING, PlanRequest

QUARANTINE_FROM = 3
"""Refused syncs after which a record waits (R23)."""


@dataclass(frozen=True, slots=True)
class PlanStatements:
    """What is run for a plan's rows, in this order; `clear` whatever happened before."""

    select: str
    """The query whose rows are the plan's; it may stand in parentheses, with `expressions` before the whole."""
    expressions: str = ""
    """The common table expressions that it reads, as they follow WITH."""
    stage: tuple[str, ...] = ()
    clear: tuple[str, ...] = ()

    @property
    def query(self) -> str:
        """The query with what it reads before it."""
        return f"WITH {self.expressions}\n{self.select}" if self.expressions else self.select

    @property
    def listed(self) -> list[str]:
        """All of them, to be shown."""
        return [*self.stage, self.query, *self.clear]

    @contextmanager
    def staged(self, session: Session) -> Iterator[None]:
        """Inside, `query` can be run, by this session and outside of transactions that began before.

        Raises SourceError, ModelError; what was staged is removed in any case.
        """
        try:
            for statement in self.stage:
                session.execute(statement)
            yield
        finally:
            for statement in self.clear:
                with suppress(TailraceError):  # it goes with the session then
                    session.execute(statement)


def plan_statements(
    dialect: Dialect, names: StateNames, request: PlanRequest, attempt: str = ""
) -> PlanStatements:
    """The statements whose rows are the plan's table; `attempt` keeps stages of different sessions apart."""
    plan = _Plan(dialect, names, request, attempt)
    if not dialect.joins_fully:
        return plan.apart_from_nothing() if request.empty else plan.apart_from_records()
    if request.empty:
        return plan.against_nothing()
    return plan.joined_once() if dialect.materialized is not None else plan.joined_in_stage()


@dataclass(frozen=True, slots=True)
class _Plan:
    dialect: Dialect
    names: StateNames
    request: PlanRequest
    attempt: str

    @property
    def _pairs(self) -> Pairs:
        return Pairs(self.dialect, self.names, self.request)

    # -- the shapes

    def against_nothing(self) -> PlanStatements:
        """Without state there is nothing to join: one sort finds repeated keys and gives the positions."""
        d = self.dialect
        keyed = f"SELECT k.*, {d.bucket('k.record_id')} AS bucket FROM (\n{self._pairs.keyed()}\n) AS k"
        key = d.exact("keyed.record_id")
        by_bucket = f"PARTITION BY keyed.bucket ORDER BY {key}"
        if d.framed_numbers:
            by_bucket += " RANGE BETWEEN CURRENT ROW AND CURRENT ROW"
        rows_of_key = f"count(*) OVER ({by_bucket})" if d.framed_numbers else d.rows_of_key(key)
        model = select(
            ["keyed.*", f"{rows_of_key} AS n", f"row_number() OVER ({by_bucket}) AS pos"],
            f"(\n{keyed}\n) AS keyed",
        )
        return PlanStatements(self._final(self._new(model, "m.bucket", "m.pos")), self._models_expressions())

    def joined_once(self) -> PlanStatements:
        """Model and records are joined once; unchanged rows pass on as bare markers, only to be counted."""
        pairs, packing = self._pairs, self.dialect.packing
        once = " ".join(filter(None, (f"{JUDGED} AS", self.dialect.materialized)))
        steps = pairs.judged_in_steps(packing) if packing else {once: pairs.judged()}
        expressions = [f"{name} (\n{body}\n)" for name, body in steps.items()]
        rows = f"{JUDGED} AS judged"
        return PlanStatements(
            f"{self._final(self._placed(rows))}\nUNION ALL\n{self._markers(rows)}",
            ",\n".join(filter(None, (self._models_expressions(), *expressions))),
        )

    def joined_in_stage(self) -> PlanStatements:
        """The same in two steps; rows in the stage keep their keys, by which some warehouses spread them."""
        stage, pairs = self._stage("judged"), self._pairs
        rows = f"{self.dialect.stage(stage)} AS judged"
        return PlanStatements(
            f"{self._final(self._placed(rows))}\nUNION ALL\n{self._markers(rows)}",
            stage=self.dialect.fill_stage(stage, pairs.judged_columns(), self._led(pairs.judged(keys=True))),
            clear=self.dialect.drop_stage(stage),
        )

    def apart_from_nothing(self) -> PlanStatements:
        """Without window functions: the model's rows are staged, so that those of a key can be counted."""
        pairs, d = self._pairs, self.dialect
        rows = f"SELECT k.*, {d.bucket('k.record_id')} AS bucket FROM {d.stage(self._stage('counted'))} AS k"
        stages = {
            "model": (pairs.keyed_columns(), self._led(pairs.keyed())),
            "counted": (pairs.counted_columns(), pairs.counted(d.stage(self._stage("model")))),
            "placed": (self._placed_columns(), self._numbered(self._new(rows, "m.bucket"))),
        }
        return self._apart(stages, "")

    def apart_from_records(self) -> PlanStatements:
        """Without full joins either: the staged rows are joined to the state's, and the state's to them.

        No statement joins more than two tables: Apache Derby fails over what is nested more deeply.
        """
        pairs, d = self._pairs, self.dialect
        judged = f"{d.stage(self._stage('judged'))} AS judged"
        stages = {
            "model": (pairs.keyed_columns(), self._led(pairs.keyed())),
            "counted": (pairs.counted_columns(), pairs.counted(d.stage(self._stage("model")))),
            "judged": (pairs.judged_columns(), pairs.judged_apart(d.stage(self._stage("counted")))),
            "placed": (self._placed_columns(), self._numbered(self._changed(judged))),
        }
        return self._apart(stages, f"\nUNION ALL\n{self._markers(judged)}")

    def _apart(self, stages: Mapping[str, tuple[list[tuple[str, str]], str]], markers: str) -> PlanStatements:
        d, last = self.dialect, "placed"
        if self.request.quarantine:
            text = self._type("text")
            waiting = [(name, text) for name in ("record_id", "operation", "checksum")]
            held = self._held(d.stage(self._stage("placed")), d.stage(self._stage("waiting")))
            last = "held"
            stages = {
                **stages,
                "waiting": (waiting, self._waiting()),
                last: (self._placed_columns(), held),
            }
        fills = [d.fill_stage(self._stage(what), *stage) for what, stage in stages.items()]
        drops = [d.drop_stage(self._stage(what)) for what in reversed(list(stages))]
        query = self._final(f"SELECT f.* FROM {d.stage(self._stage(last))} AS f") + markers
        return PlanStatements(query, stage=tuple(chain(*fills)), clear=tuple(chain(*drops)))

    def _placed_columns(self) -> list[tuple[str, str]]:
        """Names and types of what `_numbered` gives."""
        text, big = self._type("text"), self._type("bigint")
        own = [("op", text), ("reason", text), ("prior_id", text), ("record_id", text)]
        own += [("bucket", self._type("integer")), ("pos", big)]
        return [*own, *self._pairs.value_columns()]

    def _stage(self, what: str) -> str:
        return "_".join(filter(None, (what, self.names.id, self.attempt)))

    def _models_expressions(self) -> str:
        """The model's own common table expressions, where they cannot stand in parentheses."""
        return self.dialect.leading(self.request.sql).strip().removeprefix("WITH ")

    def _led(self, statement: str) -> str:
        return self.dialect.leading(self.request.sql) + statement

    # -- rows with their positions

    def _new(self, model: str, *place: str) -> str:
        """What is to be done about the model's rows where there is no state."""
        pairs = self._pairs
        operation = (
            f"CASE WHEN m.problem IS NOT NULL OR m.n > 1 THEN 'set_aside' ELSE {pairs.judge.new()} END"
        )
        reason = "CASE WHEN m.problem IS NOT NULL THEN m.problem WHEN m.n > 1 THEN 'repeated' END"
        return select(
            [
                f"{self.dialect.cast(operation, self._type('text'))} AS op",
                f"{self.dialect.cast(reason, self._type('text'))} AS reason",
                f"{self._null('text')} AS prior_id",
                *("m.record_id", *place),
                *(f"m.{name}" for name in pairs.values),
            ],
            f"(\n{model}\n) AS m",
        )

    def _changed(self, judged: str) -> str:
        """What needs attention, with its bucket."""
        return (
            f"SELECT judged.*, {self.dialect.bucket('judged.record_id')} AS bucket FROM {judged}"
            f" WHERE op IS NOT NULL AND op NOT IN ({literals(COUNTED_ONLY)})"
        )

    def _placed(self, judged: str) -> str:
        """What needs attention, numbered within its bucket."""
        values = self._pairs.values
        if packing := self.dialect.packing:
            values = [f"{packing.unpack('changed.carried', name)} AS {name}" for name in values]
        return select(
            [
                *("op", "reason", "prior_id", "record_id", "bucket", *values),
                "row_number() OVER (PARTITION BY changed.bucket"
                f" ORDER BY {self.dialect.exact('changed.record_id')}) AS pos",
            ],
            f"({self._changed(judged)}) AS changed",
        )

    def _numbered(self, rows: str) -> str:
        """The rows, numbered through all buckets."""
        exact = f"{self.dialect.exact('rows_of.record_id')} AS exact_id"
        ordered = select(["rows_of.*", exact], f"(\n{rows}\n) AS rows_of")
        numbered = self.dialect.numbered(ordered, ("bucket", "exact_id"), "pos")
        return select([name for name, _ in self._placed_columns()], f"(\n{numbered}\n) AS numbered")

    def _markers(self, judged: str) -> str:
        """What was only counted: unchanged rows, rows held back by the mode, and the model's rows."""
        counts = (
            "SELECT judged.op, judged.reason, count(*) AS matches, sum(judged.mine) AS model_rows"
            f" FROM {judged} GROUP BY judged.op, judged.reason"
        )
        kinds = self.dialect.constants("kinds", ["what"], [["'rows'"], ["'model'"]])
        quiet = f"(op IS NULL OR op IN ({literals(COUNTED_ONLY)}))"
        what = "CASE WHEN kinds.what = 'model' THEN 'model_rows' ELSE coalesce(reason, op, 'unchanged') END"
        total = "CASE WHEN kinds.what = 'model' THEN model_rows ELSE matches END"
        given = {
            "operation": "'count'",
            "reason": what,
            "total": self.dialect.cast(total, self._type("bigint")),
        }
        own = [f"{given.get(name, self._null(_TYPES[name]))} AS {name}" for name in LEADING]
        values = [f"{self._null('text')} AS {self._digest}"] if self._pairs.keeps_digest else []
        values += [
            f"{self.dialect.cast('NULL', column.native)} AS {self.dialect.quote(column.stored)}"
            for column in self.request.used
        ]
        return select(
            [*own, *values],
            f"({counts}) AS counts CROSS JOIN {kinds}"
            f" WHERE kinds.what = 'model' AND model_rows IS NOT NULL OR kinds.what = 'rows' AND {quiet}",
        )

    # -- quarantine and the plan's own columns

    def _final(self, rows: str) -> str:
        if self.request.quarantine and self.dialect.joins_fully:
            rows = self._held(f"(\n{rows}\n)", f"({self._waiting()})")
        d = self.dialect
        placed = literals((*SENDABLE, CANDIDATE))
        position = f"{d.cast('bucket', self._type('bigint'))} * {BUCKET_SHIFT} + pos"
        selected = [
            "op AS operation",
            "record_id",
            "bucket",
            f"CASE WHEN op IN ({placed}) THEN {position} END AS seq",
            *("prior_id", "reason", f"{self._null('bigint')} AS total"),
        ]
        if self._pairs.keeps_digest:
            selected.append(f"digest AS {self._digest}")
        selected += [
            f"c{number} AS {d.quote(column.stored)}" for number, column in enumerate(self.request.used)
        ]
        return select(selected, f"(\n{rows}\n) AS placed")

    @property
    def _digest(self) -> str:
        """What a digest in place of values is called, and one beside them."""
        return "checksum" if self.request.remember == "checksum" else "digest"

    def _waiting(self) -> str:
        """What was refused too often to be tried now."""
        d = self.dialect
        return (
            "SELECT DISTINCT record_id, operation, checksum"
            f" FROM {d.table(self.names.schema, self.names.rejections)}"
            f" WHERE attempts >= {QUARANTINE_FROM} AND next_try_at > {d.now()}"
            f" AND fingerprint = {d.literal(self.request.fingerprint)}"
        )

    def _held(self, rows: str, waiting: str) -> str:
        """Records that wait after refusals keep their row, but are not sent (R23)."""
        d = self.dialect
        held = f"q.record_id IS NOT NULL AND f.op IN ({literals(SENDABLE)})"
        joined = (
            f" LEFT JOIN {waiting} AS q ON {d.same_key('q.record_id', 'f.record_id')}"
            f" AND q.operation = f.op AND q.checksum = {self._pairs.checksum('f')}"
        )
        changes = {
            "op": f"CASE WHEN {held} THEN 'quarantined' ELSE f.op END",
            "reason": f"CASE WHEN {held} THEN f.op ELSE f.reason END",
        }
        names = ["op", "reason", "prior_id", "record_id", "bucket", "pos", *self._pairs.values]
        picked = [f"{changes.get(name, f'f.{name}')} AS {name}" for name in names]
        return select(picked, f"{rows} AS f{joined}")

    def _type(self, word: str) -> str:
        return self.dialect.type_of(word)

    def _null(self, word: str) -> str:
        return self.dialect.cast("NULL", self._type(word))


_TYPES = {
    "operation": "text",
    "record_id": "text",
    "bucket": "integer",
    "seq": "bigint",
    "prior_id": "text",
    "reason": "text",
    "total": "bigint",
}
