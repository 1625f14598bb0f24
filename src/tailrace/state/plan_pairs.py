"""What stands against what: the model's rows, the state's, and the pairs of both with what each means.

Names in the SQL: `m` a model row, `r` a records row, `c0`, `c1` … the used columns, `digest` their checksum;
`mine` is 1 where there is a model row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tailrace.sources.dialect import Dialect, Packing
from tailrace.state.columns import StoredColumn, values_checksum
from tailrace.state.names import StateNames
from tailrace.state.operations import COUNTED_ONLY, Judge
from tailrace.state.plan_request import PlanRequest, RecordsTable
from tailrace.state.records import records_rows

DELETED_ID = "deleted:"
"""What the record-level id of an uncertain record begins with where a deletion was sent last."""

_NEVER = "1 = 0"

JUDGED, _PAIRED, _HASHES, _REPEATED = (
    f"tailrace_{each}" for each in ("judged", "paired", "hashes", "repeated")
)
"""Common table expressions of ours, under names that no table of a model has."""

_BESIDE_VALUES = 8
"""At most so many columns stand beside the values."""

_COMPARED = ("delivered", "uncertain", "baseline", "record_level_id")


@dataclass(frozen=True, slots=True)
class Pairs:
    """The queries below the plan's own, for one request."""

    dialect: Dialect
    names: StateNames
    request: PlanRequest

    @property
    def judge(self) -> Judge:
        request = self.request
        return Judge(
            self.dialect,
            request.operations,
            request.first and request.first_sync_skip,
            candidates=request.candidates,
            resend=request.resend,
            fills=request.remember == "values" and bool(request.records and request.records.has_checksum),
        )

    @property
    def values(self) -> list[str]:
        """What the values of a row are called inside the statement, as they stand in the plan table."""
        names = [f"c{number}" for number in range(len(self.request.used))]
        return ["digest", *names] if self.keeps_digest else names

    @property
    def keeps_digest(self) -> bool:
        """Whether plan rows carry the digest of their values into the state."""
        return self.request.remember == "checksum" or self.dialect.compares_digests

    def checksum(self, alias: str) -> str:
        """The checksum of a row's values, as a refusal of them is stored under."""
        return f"{alias}.digest" if self.request.bare else self._computed(alias)

    def _computed(self, alias: str) -> str:
        inside = [
            StoredColumn(column.name, f"c{number}", column.kind, column.native)
            for number, column in enumerate(self.request.used)
        ]
        return values_checksum(self.dialect, inside, alias)

    # -- the model's rows

    def keyed(self) -> str:
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
        rows = select(selected, f"{d.subquery(request.sql, 'model')}{where}")
        if not self._digests:
            return rows
        return select(
            ["plain.*", f"{self._computed('plain')} AS digest"], f"(\n{rows} {d.barrier}\n) AS plain"
        )

    def keyed_columns(self) -> list[tuple[str, str]]:
        """Names and types of what `keyed` gives."""
        text = self.dialect.type_of("text")
        found = [("mine", self.dialect.type_of("integer")), ("problem", text), ("record_id", text)]
        found += [(f"c{number}", column.native) for number, column in enumerate(self.request.used)]
        return [*found, ("digest", text)] if self._digests else found

    @property
    def _digests(self) -> bool:
        """Whether the model's rows need a checksum."""
        records = self.request.records
        return self.keeps_digest or bool(records and records.has_checksum)

    # -- model against records

    def judged(self, *, keys: bool = False) -> str:
        """Every pair with its operation; what is unchanged has none and carries no values, and with `keys` its key.

        Where rows of a key are counted before the join, the plan's whole statement must read this once (R5).
        """
        key = self.dialect.exact("keyed.record_id")
        counted = select(
            ["keyed.*", f"{self.dialect.rows_of_key(key)} AS n"], f"(\n{self.keyed()}\n) AS keyed"
        )
        pairs = self._joined(f"(\n{counted}\n) AS m", "m.problem IS NOT NULL OR m.n > 1")
        return self._judged(pairs, keys=keys)

    def judged_in_steps(self, packing: Packing) -> dict[str, str]:
        """The same as `judged`, last of several common table expressions, with values packed as `carried`.

        Rows of a key are counted after the join. Only keys whose hash repeats are looked at, for a hash is far less
        to remember than a key.
        """
        pairs = self._joined(f"(\n{self.keyed()}\n) AS m", "m.problem IS NOT NULL")
        values = packing.pack([(name, self._value(name)) for name in self.values] or [("none", "NULL")])
        paired = select(
            [
                *("op", "prior_id", "never_delivered", "problem", "mine"),
                f"{_side('record_id')} AS record_id",
                f"CASE WHEN {_QUIET} THEN NULL ELSE {values} END AS carried",
            ],
            f"(\n{pairs}\n) AS pairs",
        )
        hashed, again = packing.hashed("record_id"), "HAVING count(*) > 1"
        usable = f"FROM {_PAIRED} WHERE mine = 1 AND problem IS NULL"
        keys = f"SELECT record_id {usable} AND {hashed} IN (SELECT hashed FROM {_HASHES})"
        rows = select(
            [
                f"CASE WHEN mine = 1 AND record_id IN (SELECT record_id FROM {_REPEATED})"
                " THEN 'set_aside' ELSE op END AS op",
                *("prior_id", "never_delivered", "problem", "mine", "carried"),
                *("record_id AS m_record_id", "record_id AS r_record_id"),
            ],
            _PAIRED,
        )
        return {
            f"{_PAIRED} AS MATERIALIZED": paired,
            f"{_HASHES} AS MATERIALIZED": f"SELECT {hashed} AS hashed {usable} GROUP BY hashed {again}",
            f"{_REPEATED} AS MATERIALIZED": f"{keys} GROUP BY record_id {again}",
            f"{JUDGED} AS NOT MATERIALIZED": self._judged(rows, ["carried"]),
        }

    def judged_apart(self, model: str) -> str:
        """As `judged`, from a table of what `counted` gave, for warehouses that neither join fully nor have windows."""
        d = self.dialect
        m, r = f"{model} AS m", f"{self._records()} AS r"
        same = d.same_key("r.record_id", "m.record_id")
        selected = self._pair_columns("m.problem IS NOT NULL OR m.n > 1")
        ours = select(selected, f"{m} LEFT JOIN {r} ON {same}")
        gone = select(selected, f"{r} LEFT JOIN {m} ON {same} WHERE m.mine IS NULL")
        return self._judged(f"{ours}\nUNION ALL\n{gone}", keys=True)

    def counted(self, model: str) -> str:
        """The rows of such a table, each with how many have its key, as `n`; 0 for the key NULL."""
        d = self.dialect
        exact = (
            f"SELECT rows_of.record_id, {d.exact('rows_of.record_id')} AS exact_id FROM {model} AS rows_of"
            " WHERE rows_of.record_id IS NOT NULL"
        )
        keys = (
            "SELECT min(exact.record_id) AS record_id, count(*) AS n"
            f" FROM ({exact}) AS exact GROUP BY exact.exact_id"
        )
        same = d.same_key("of_key.record_id", "keyed.record_id")
        rows = f"{model} AS keyed LEFT JOIN ({keys}) AS of_key ON {same}"
        return select(["keyed.*", "coalesce(of_key.n, 0) AS n"], rows)

    def counted_columns(self) -> list[tuple[str, str]]:
        """Names and types of what `counted` gives."""
        return [*self.keyed_columns(), ("n", self.dialect.type_of("bigint"))]

    def judged_columns(self) -> list[tuple[str, str]]:
        """Names and types of what `judged` and `judged_apart` give; values are not packed."""
        text = self.dialect.type_of("text")
        found = [("op", text), ("reason", text), ("prior_id", text)]
        found += [("mine", self.dialect.type_of("integer")), ("record_id", text)]
        return [*found, *self.value_columns()]

    def value_columns(self) -> list[tuple[str, str]]:
        """Names and types of `values`."""
        found = [(f"c{number}", column.native) for number, column in enumerate(self.request.used)]
        digest = ("digest", self.dialect.type_of("text"))
        return [digest, *found] if self.keeps_digest else found

    def _judged(self, pairs: str, carried: list[str] | None = None, *, keys: bool = False) -> str:
        values = carried or [
            f"CASE WHEN {_QUIET} THEN NULL ELSE {self._value(name)} END AS {name}" for name in self.values
        ]
        key = _side("record_id")
        return select(
            [
                *("op", f"{self.judge.reason()} AS reason", "prior_id", "mine"),
                f"{key if keys else f'CASE WHEN {_QUIET} THEN NULL ELSE {key} END'} AS record_id",
                *values,
            ],
            f"(\n{pairs}\n{self.dialect.barrier}\n) AS judged_pairs",
        )

    def _joined(self, model: str, aside: str) -> str:
        same = self.dialect.same_key("r.record_id", "m.record_id")
        return select(self._pair_columns(aside), f"{model} FULL JOIN {self._records()} AS r ON {same}")

    def _records(self) -> str:
        """The state's rows, with what is compared and carried on of them."""
        records, request = self.request.records, self.request
        assert records is not None
        values = () if request.bare else [*records.columns, *records.converted.values()]
        columns = [*_COMPARED, *(column.stored for column in values)]
        columns += ["digest"] if records.digested else []
        columns += ["checksum"] if records.has_checksum else []
        return records_rows(self.dialect, self.names, columns)

    def _pair_columns(self, aside: str) -> list[str]:
        """What is selected of a model row `m` and the records row `r` beside it; either may be absent."""
        d, request = self.dialect, self.request
        assert request.records is not None
        differs = self._differs(request.records)
        held = {
            f"c{number}": self._carried(request.records, column) for number, column in enumerate(request.used)
        }
        if self.keeps_digest:
            held["digest"] = self._held_digest(request.records)
        selected = [
            f"{self.judge.pair(differs, aside)} AS op",
            f"{self._prior_id(differs)} AS prior_id",
            f"CASE WHEN {d.holds('r.uncertain')} AND NOT {d.holds('r.delivered')} THEN 1 END AS never_delivered",
            *("m.problem", "m.mine", "m.record_id AS m_record_id", "r.record_id AS r_record_id"),
        ]
        if self._narrow:
            sides = (f"CASE WHEN m.mine IS NULL THEN {held[name]} ELSE m.{name} END" for name in self.values)
            return [*selected, *(f"{side} AS {name}" for side, name in zip(sides, self.values, strict=True))]
        selected += [f"m.{name} AS m_{name}" for name in self.values]
        return [*selected, *(f"{value} AS r_{name}" for name, value in held.items())]

    @property
    def _narrow(self) -> bool:
        """Whether both values of every column do not fit into a select list, so that the one is chosen there."""
        most = self.dialect.columns_per_select
        return most is not None and 2 * len(self.values) + _BESIDE_VALUES > most

    def _value(self, name: str) -> str:
        """The value of a pair that a row goes on with."""
        return name if self._narrow else _side(name)

    def _carried(self, records: RecordsTable, column: StoredColumn) -> str:
        """The state's value where a row goes on with it."""
        if self.request.bare:
            return self.dialect.cast("NULL", column.native)
        return state_value(self.dialect, records, column)

    def _held_digest(self, records: RecordsTable) -> str:
        if records.digested:
            return "r.digest"
        if records.has_checksum:
            return "r.checksum"
        return self.dialect.cast("NULL", self.dialect.type_of("text"))

    def _differs(self, records: RecordsTable) -> str:
        """The condition that a pair's values differ (R13, R14)."""
        if records.digested:
            return f"({self.dialect.distinct('m.digest', 'r.digest')})"
        pairs = [
            self.dialect.differs(f"m.c{number}", state_value(self.dialect, records, column), column.column)
            for number, column in enumerate(self.request.used)
        ]
        values = f"({' OR '.join(pairs)})" if pairs else _NEVER
        if not records.has_checksum:
            return values
        checksums = self.dialect.distinct("m.digest", "r.checksum")
        if self.request.remember == "checksum" and not records.columns:
            return f"({checksums})"
        return f"(r.checksum IS NOT NULL AND {checksums} OR r.checksum IS NULL AND {values})"

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


def state_value(dialect: Dialect, records: RecordsTable, column: StoredColumn) -> str:
    """What a records row `r` holds for a column, in its wanted form; NULL where it holds nothing (R16)."""
    old = records.converted.get(column.stored)
    if old is not None:
        return converted_value(dialect, old, column)
    held = next((each for each in records.columns if each.stored == column.stored), None)
    if held is None:
        return dialect.cast("NULL", column.native)
    value = f"r.{dialect.quote(column.stored)}"
    return value if held.native == column.native else dialect.cast(value, column.native)


def converted_value(dialect: Dialect, old: StoredColumn, column: StoredColumn) -> str:
    """What a records row `r` holds in an old column, in the form of the one that takes its place."""
    value = f"r.{dialect.quote(old.stored)}"
    wide = dialect.widen(old.column, column.column)
    if wide is not None and wide.native == column.native:
        return dialect.cast(value, column.native)
    return dialect.try_cast(value, old.column, column.column)


def select(expressions: Iterable[str], source: str) -> str:
    return f"SELECT {', '.join(expressions)}\nFROM {source}"


def literals(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _side(name: str) -> str:
    """A value of the model's row where there is one, else the state's; never one for the other's NULL (R5)."""
    return f"CASE WHEN mine IS NULL THEN r_{name} ELSE m_{name} END"


_QUIET = f"op IS NULL OR op IN ({literals(COUNTED_ONLY)})"
