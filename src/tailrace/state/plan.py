"""The one statement that finds what changed (R5–R10, R13–R17, R23): it reads model and records once each.

Rows that need no attention are counted, not stored: they come out as rows of the operation `count`, whose
`reason` says what was counted and whose `total` how many. Names inside the statement: `m` a model row, `r` a
records row, `c0`, `c1` … the used columns, `digest` their checksum.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tailrace.sources.dialect import BUCKET_SHIFT, Dialect
from tailrace.state.columns import StoredColumn, values_checksum
from tailrace.state.names import StateNames
from tailrace.state.operations import CANDIDATE, COUNTED_ONLY, SENDABLE, Judge
from tailrace.state.plan_request import LEADING, PlanRequest, RecordsTable
from tailrace.state.records import records_rows

QUARANTINE_FROM = 3
"""Refused syncs after which a record waits (R23)."""

NEVER = "1 = 0"

DELETED_ID = "deleted:"
"""What the record-level id of an uncertain record begins with where a deletion was sent last."""


def plan_select(dialect: Dialect, names: StateNames, request: PlanRequest) -> str:
    """The statement whose rows are the plan's table, ordered by position; it evaluates the model once."""
    plan = _Plan(dialect, names, request)
    return plan.against_nothing() if request.empty else plan.against_records()


def state_value(dialect: Dialect, records: RecordsTable, column: StoredColumn) -> str:
    """What a records row `r` holds for a column, in its wanted form; NULL where it holds nothing (R16)."""
    old = records.converted.get(column.stored)
    if old is not None:
        return dialect.try_cast(f"r.{dialect.quote(old.stored)}", old.column, column.column)
    held = next((each for each in records.columns if each.stored == column.stored), None)
    if held is None:
        return dialect.cast("NULL", column.native)
    value = f"r.{dialect.quote(column.stored)}"
    return value if held.native == column.native else dialect.cast(value, column.native)


@dataclass(frozen=True, slots=True)
class _Plan:
    dialect: Dialect
    names: StateNames
    request: PlanRequest

    # -- the two shapes

    def against_nothing(self) -> str:
        """Without state there is nothing to join: one sort finds repeated keys and gives the positions."""
        d = self.dialect
        keyed = f"SELECT k.*, {d.bucket('k.record_id')} AS bucket FROM (\n{self._keyed()}\n) AS k"
        key = d.exact("keyed.record_id")
        model = _select(
            [
                "keyed.*",
                f"{d.rows_of_key('keyed.bucket', key)} AS n",
                f"row_number() OVER (PARTITION BY keyed.bucket ORDER BY {key}) AS pos",
            ],
            f"(\n{keyed}\n) AS keyed",
        )
        operation = (
            f"CASE WHEN m.problem IS NOT NULL OR m.n > 1 THEN 'set_aside' ELSE {self._judge.new()} END"
        )
        reason = "CASE WHEN m.problem IS NOT NULL THEN m.problem WHEN m.n > 1 THEN 'repeated' END"
        rows = _select(
            [
                f"{operation} AS op",
                f"{reason} AS reason",
                f"{self._null('text')} AS prior_id",
                *("m.record_id", "m.bucket", "m.pos"),
                *(f"m.{name}" for name in self._values),
            ],
            f"(\n{model}\n) AS m",
        )
        return self._final(rows)

    def against_records(self) -> str:
        """Model and records are joined once; unchanged rows pass on as bare markers, only to be counted."""
        values = self._values
        if packing := self.dialect.packing:
            values = [f"{packing.unpack('changed.carried', name)} AS {name}" for name in values]
        rows = _select(
            [
                *("op", "reason", "prior_id", "record_id", "bucket", *values),
                "row_number() OVER (PARTITION BY changed.bucket"
                f" ORDER BY {self.dialect.exact('changed.record_id')}) AS pos",
            ],
            f"(SELECT judged.*, {self.dialect.bucket('judged.record_id')} AS bucket FROM judged"
            f" WHERE op IS NOT NULL AND op NOT IN ({_literals(COUNTED_ONLY)})) AS changed",
        )
        counts = (
            "SELECT op, reason, count(*) AS matches, sum(mine) AS model_rows FROM judged GROUP BY op, reason"
        )
        return (
            f"WITH judged AS MATERIALIZED (\n{self._judged()}\n), counts AS MATERIALIZED (\n{counts}\n)"
            f"\n{self._final(rows)}\nUNION ALL\n{self._markers()}"
        )

    # -- the model's rows

    def _keyed(self) -> str:
        """The model's rows with key and stored forms (R6, R9)."""
        d, request = self.dialect, self.request
        selected = [
            "1 AS mine",
            f"{d.key_problem(request.key, 'model')} AS problem",
            f"{d.key_text(request.key, 'model')} AS record_id",
            *(
                f"{column.from_model(d, f'model.{d.quote(column.name)}')} AS c{number}"
                for number, column in enumerate(request.used)
            ),
        ]
        where = f" WHERE (\n{request.where}\n)" if request.where else ""
        rows = _select(selected, f"{d.subquery(request.sql, 'model')}{where}")
        if not self._digests:
            return rows
        return _select(
            ["plain.*", f"{self._checksum('plain')} AS digest"], f"(\n{rows} {d.barrier}\n) AS plain"
        )

    def _checksum(self, alias: str) -> str:
        inside = [
            StoredColumn(column.name, f"c{number}", column.kind, column.native)
            for number, column in enumerate(self.request.used)
        ]
        return values_checksum(self.dialect, inside, alias)

    @property
    def _digests(self) -> bool:
        """Whether the model's rows need a checksum."""
        records = self.request.records
        return self.request.remember == "checksum" or bool(records and records.has_checksum)

    @property
    def _values(self) -> list[str]:
        """What the values of a row are called inside the statement, as they stand in the plan table."""
        names = [f"c{number}" for number in range(len(self.request.used))]
        return ["digest", *names] if self.request.remember == "checksum" else names

    # -- model against records

    def _judged(self) -> str:
        """Every pair with its operation; what is unchanged has none and carries no values."""
        key = self.dialect.exact("keyed.record_id")
        counted = ["keyed.*", f"count(*) OVER (PARTITION BY {key}) AS n"]
        packing = self.dialect.packing
        if packing is None:
            model = _select(counted, f"(\n{self._keyed()}\n) AS keyed")
            judged = self._pairs(model, "m.problem IS NOT NULL OR m.n > 1", ("m.n",))
            carried = {
                name: f"CASE WHEN {_QUIET} THEN NULL ELSE {self._side(name)} END" for name in self._values
            }
        else:
            pairs = self._pairs(self._keyed(), "m.problem IS NOT NULL")
            values = packing.pack([(name, self._side(name)) for name in self._values] or [("none", "NULL")])
            bare = _select(
                [
                    *("op", "prior_id", "never_delivered", "problem", "mine"),
                    f"{self._side('record_id')} AS record_id",
                    f"CASE WHEN {_QUIET} THEN NULL ELSE {values} END AS carried",
                ],
                f"(\n{pairs}\n) AS pairs",
            )
            numbered = _select(counted, f"(\n{bare}\n) AS keyed")
            operation = "CASE WHEN mine = 1 AND n > 1 THEN 'set_aside' ELSE op END AS op"
            judged = _select(
                [
                    operation,
                    *("prior_id", "never_delivered", "problem", "mine", "carried"),
                    *("record_id AS m_record_id", "record_id AS r_record_id"),
                ],
                f"(\n{numbered}\n) AS counted",
            )
            carried = {"carried": "carried"}
        return _select(
            [
                "op",
                f"{self._judge.reason()} AS reason",
                "prior_id",
                "mine",
                f"CASE WHEN {_QUIET} THEN NULL ELSE {self._side('record_id')} END AS record_id",
                *(f"{value} AS {name}" for name, value in carried.items()),
            ],
            f"(\n{judged}\n{self.dialect.barrier}\n) AS judged_pairs",
        )

    def _side(self, name: str) -> str:
        """A value of the model's row where there is one, else the state's; never one for the other's NULL (R5)."""
        return f"CASE WHEN mine IS NULL THEN r_{name} ELSE m_{name} END"

    def _pairs(self, model: str, aside: str, more: tuple[str, ...] = ()) -> str:
        d, request = self.dialect, self.request
        assert request.records is not None
        differs = self._differs(request.records)
        selected = [
            f"{self._judge.pair(differs, aside)} AS op",
            f"{self._prior_id(differs)} AS prior_id",
            f"CASE WHEN {d.holds('r.uncertain')} AND NOT {d.holds('r.delivered')} THEN 1 END AS never_delivered",
            *("m.problem", "m.mine", *more, "m.record_id AS m_record_id", "r.record_id AS r_record_id"),
            *(f"m.{name} AS m_{name}" for name in self._values),
            *(
                f"{state_value(d, request.records, column)} AS r_c{number}"
                for number, column in enumerate(request.used)
            ),
        ]
        if request.remember == "checksum":
            held = "r.checksum" if request.records.has_checksum else self._null("text")
            selected.append(f"{held} AS r_digest")
        records = records_rows(d, self.names)
        same = f"{d.exact('r.record_id')} = {d.exact('m.record_id')}"
        return _select(selected, f"(\n{model}\n) AS m FULL JOIN {records} AS r ON {same}")

    def _differs(self, records: RecordsTable) -> str:
        """Whether a pair's values differ (R13, R14)."""
        pairs = [
            self.dialect.differs(f"m.c{number}", state_value(self.dialect, records, column), column.column)
            for number, column in enumerate(self.request.used)
        ]
        values = f"({' OR '.join(pairs)})" if pairs else NEVER
        if not records.has_checksum:
            return values
        checksums = self.dialect.distinct("m.digest", "r.checksum")
        if self.request.remember == "checksum":
            return f"({checksums})"
        return f"(r.checksum IS NOT NULL AND {checksums} OR r.checksum IS NULL AND {values})"

    @property
    def _judge(self) -> Judge:
        request = self.request
        return Judge(
            self.dialect,
            request.operations,
            request.first and request.first_sync_skip,
            candidates=request.candidates,
            resend=request.resend,
            fills=request.remember == "values" and bool(request.records and request.records.has_checksum),
        )

    def _prior_id(self, differs: str) -> str:
        """The id an uncertain record was last sent under, while operation and values are the same (R21)."""
        d = self.dialect
        deletion = f"r.record_level_id LIKE {d.literal(DELETED_ID + '%')}"
        plain = d.from_character("r.record_level_id", len(DELETED_ID) + 1)
        return (
            f"CASE WHEN {d.holds('r.uncertain')} AND r.record_level_id IS NOT NULL THEN CASE"
            f" WHEN m.mine IS NULL THEN CASE WHEN {deletion} THEN {plain} END"
            f" WHEN {deletion} OR {differs} THEN NULL ELSE r.record_level_id END END"
        )

    def _markers(self) -> str:
        """What was only counted: unchanged rows, rows held back by the mode, and the model's rows."""
        kept = f"(op IS NULL OR op IN ({_literals(COUNTED_ONLY)}))"
        what = "CASE WHEN kinds.what = 'model' THEN 'model_rows' ELSE coalesce(reason, op, 'unchanged') END"
        total = "CASE WHEN kinds.what = 'model' THEN model_rows ELSE matches END"
        kinds = self.dialect.constants("kinds", ["what"], [["'rows'"], ["'model'"]])
        nulls = {"operation": "'count'", "reason": what, "total": f"CAST({total} AS {self._type('bigint')})"}
        own = [nulls.get(name, self._null(_TYPES[name])) for name in LEADING]
        values = [self._null("text")] if self.request.remember == "checksum" else []
        values += [self.dialect.cast("NULL", column.native) for column in self.request.used]
        return _select(
            [*own, *values],
            f"counts CROSS JOIN {kinds}"
            f" WHERE kinds.what = 'model' AND model_rows IS NOT NULL OR kinds.what = 'rows' AND {kept}",
        )

    # -- quarantine and the plan's own columns

    def _final(self, rows: str) -> str:
        if self.request.quarantine:
            rows = self._held(rows)
        d = self.dialect
        placed = _literals((*SENDABLE, CANDIDATE))
        position = f"CAST(bucket AS {self._type('bigint')}) * {BUCKET_SHIFT} + pos"
        selected = [
            "op AS operation",
            "record_id",
            "bucket",
            f"CASE WHEN op IN ({placed}) THEN {position} END AS seq",
            *("prior_id", "reason", f"{self._null('bigint')} AS total"),
        ]
        if self.request.remember == "checksum":
            selected.append("digest AS checksum")
        selected += [
            f"c{number} AS {d.quote(column.stored)}" for number, column in enumerate(self.request.used)
        ]
        return _select(selected, f"(\n{rows}\n) AS placed")

    def _held(self, rows: str) -> str:
        """Records that wait after refusals keep their row, but are not sent (R23)."""
        d = self.dialect
        table = d.table(self.names.schema, self.names.rejections)
        waiting = (
            "SELECT DISTINCT record_id, operation, checksum"
            f" FROM {table} WHERE attempts >= {QUARANTINE_FROM} AND next_try_at > {d.now()}"
            f" AND fingerprint = {d.literal(self.request.fingerprint)}"
        )
        held = f"q.record_id IS NOT NULL AND f.op IN ({_literals(SENDABLE)})"
        joined = (
            f" LEFT JOIN ({waiting}) AS q ON {d.exact('q.record_id')} = {d.exact('f.record_id')}"
            f" AND q.operation = f.op AND q.checksum = {self._checksum('f')}"
        )
        changes = {
            "op": f"CASE WHEN {held} THEN 'quarantined' ELSE f.op END",
            "reason": f"CASE WHEN {held} THEN f.op ELSE f.reason END",
        }
        names = ["op", "reason", "prior_id", "record_id", "bucket", "pos", *self._values]
        picked = [f"{changes.get(name, f'f.{name}')} AS {name}" for name in names]
        return _select(picked, f"(\n{rows}\n) AS f{joined}")

    def _type(self, word: str) -> str:
        return self.dialect.type_of(word)

    def _null(self, word: str) -> str:
        return self.dialect.cast("NULL", self._type(word))


_QUIET = f"op IS NULL OR op IN ({', '.join(repr(each) for each in COUNTED_ONLY)})"

_TYPES = {
    "operation": "text",
    "record_id": "text",
    "bucket": "integer",
    "seq": "bigint",
    "prior_id": "text",
    "reason": "text",
    "total": "bigint",
}


def _select(expressions: Iterable[str], source: str) -> str:
    return f"SELECT {', '.join(expressions)}\nFROM {source}"


def _literals(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
