"""Renders records: one vectorised DuckDB SELECT over an Arrow batch gives each payload as JSON text."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from tailrace.columns import Column, Kind
from tailrace.errors import ConfigError
from tailrace.mapping.build import Builder, Built, text_of
from tailrace.mapping.engine import connect, deadline
from tailrace.mapping.expression import FieldError, Object
from tailrace.mapping.program import Program, literal, plain_message, quoted

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from tailrace.mapping.compile import CompiledMapping

PAYLOAD_BYTES = 512 * 1024
"""A payload larger than this refuses its record."""
_EXPLAINED = 20
"""For so many failed records of a piece the database's own words are fetched."""

_CARRIED = {
    Kind.BOOL: "BOOLEAN",
    Kind.INT: "BIGINT",
    Kind.FLOAT: "DOUBLE",
    Kind.BYTES: "BLOB",
    Kind.DATE: "DATE",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.TIMESTAMPTZ: "TIMESTAMP",
}


def prove(compiled: CompiledMapping) -> list[ConfigError]:
    """Build every field on its own and collect what can never work."""
    errors: list[ConfigError] = []
    connection = connect()
    try:
        declared = {one.name: one for one in compiled.action_fields}
        program = Program(connection, compiled.columns, expected_carriage(compiled.columns))
        builder = Builder(program)
        for name, node in compiled.tree.fields:
            try:
                with deadline(connection, 30.0):
                    builder.document(Object(((name, node),)), [declared[name]] if name in declared else [])
            except FieldError as error:
                errors.append(error)
    finally:
        connection.close()
    return errors


def expected_carriage(columns: Sequence[Column]) -> list[str]:
    """How Arrow carries each column, as far as its kind tells."""
    return [_CARRIED.get(column.kind, "text") for column in columns]


class _Piece:
    """What the prepared statement reads: the table that is put here before each run."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


class Statement:
    """The SELECT for one way in which Arrow carries the columns."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        compiled: CompiledMapping,
        carriage: Sequence[str],
        relation: str,
        piece: _Piece,
        passthrough: Sequence[str],
        outputs: dict[str, str],
        payloads: bool,
    ) -> None:
        self.connection = connection
        self.relation = relation
        self.piece = piece
        self.program = Program(connection, compiled.columns, carriage)
        builder = Builder(self.program)
        built = builder.document(compiled.tree, compiled.action_fields)
        self.faults = built.faults
        self._name = f"render_{relation}"
        self._outputs = outputs
        self._payload = "payload" if payloads else "NULL::VARCHAR AS payload"
        self._kept = "".join(f", {quoted(name)}" for name in passthrough)
        text = self._select(built)
        connection.execute(f"PREPARE {self._name} AS {text}").fetchall()

    def run(self, piece: pa.Table) -> pa.Table:
        """The statement's result for a piece."""
        self.piece.table = piece
        return self.connection.sql(f"EXECUTE {self._name}").to_arrow_table()

    def failure(self, row: pa.Table, slot: int) -> str | None:
        """What DuckDB says when it computes one value of one record; None if it has nothing to say."""
        import duckdb

        self.piece.table = row
        try:
            self.connection.sql(self.program.explain_source(self.relation, slot)).fetchall()
        except duckdb.Error as error:
            return plain_message(error)
        return None

    def refuse(self, row: pa.Table, message: str) -> pa.Table:
        """The result for one record that cannot be rendered at all."""
        self.piece.table = row
        refused = (
            f"SELECT NULL::VARCHAR AS payload, '' AS error_field, {literal(message)} AS error_message,"
            f" NULL::INTEGER AS fault{self._kept} FROM {self.relation}"
        )
        return self.connection.sql(self._with_outputs(refused)).to_arrow_table()

    def _select(self, built: Built) -> str:
        document = text_of(built.pieces)
        fields: list[str] = []
        messages: list[str] = []
        conditions: list[str] = []
        for number, refusing in enumerate(self.faults):
            conditions.append(f"WHEN {refusing.fault.condition} THEN {number}")
            fields.append(f"WHEN {number} THEN {literal(refusing.field)}")
            messages.append(f"WHEN {number} THEN {refusing.fault.message}")
        fault = f"CASE {' '.join(conditions)} END" if conditions else "NULL::INTEGER"
        message = f"CASE fault {' '.join(messages)} END" if messages else "NULL::VARCHAR"
        field = f"CASE fault {' '.join(fields)} END" if fields else "NULL::VARCHAR"
        needed = " ".join([document, fault, message])
        source = self.program.source(self.relation, needed)
        inner = f"SELECT *, {document} AS document, {fault} AS fault FROM ({source})"
        large = f"(fault IS NULL AND strlen(document) > {PAYLOAD_BYTES})"
        refused = (
            f"SELECT CASE WHEN fault IS NULL AND NOT {large} THEN document END AS payload,"
            f" CASE WHEN {large} THEN '' ELSE {field} END AS error_field,"
            f" CASE WHEN {large} THEN 'the payload is larger than {PAYLOAD_BYTES // 1024} KiB: '"
            f" || strlen(document) || ' bytes' ELSE {message} END AS error_message, fault{self._kept}"
            f" FROM ({inner})"
        )
        return self._with_outputs(refused)

    def _with_outputs(self, relation: str) -> str:
        listed = "".join(f', {sql} AS "{name}"' for name, sql in self._outputs.items())
        return f"SELECT {self._payload}, error_field, error_message, fault{listed} FROM ({relation})"


class Renderer:
    """Renders the records of one mapping, piece by piece; a context manager, for one thread at a time.

    A record that the mapping refuses has no payload but an error; it never fails the others. Raises
    MappingTimeout where a piece takes too long.
    """

    def __init__(
        self,
        compiled: CompiledMapping,
        outputs: dict[str, str],
        *,
        payloads: bool,
        threads: int,
        memory_limit: str,
        timeout: float,
    ) -> None:
        self._compiled = compiled
        self._outputs = outputs
        self._payloads = payloads
        self._threads = threads
        self._timeout = timeout
        self._connection = connect(threads=threads, memory_limit=memory_limit)
        self._statements: dict[pa.Schema, Statement] = {}
        names = [column.name for column in compiled.columns]
        self._places = [names.index(name) for name in compiled.used_columns]

    def __enter__(self) -> Renderer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()

    def render(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Each record's payload, or the field and reason for which the mapping refuses it, and the outputs.

        The batch holds the used columns by name, before any passthrough column of the same name; whatever
        else it holds is passed through to the outputs. The rows keep their order.
        """
        import pyarrow as pa

        piece = self._prepared(batch)
        statement = self._statement(piece)
        with deadline(self._connection, self._timeout):
            table = self._run(statement, piece)
            columns = [_whole(table.column(name)) for name in table.column_names if name != "fault"]
            names = [name for name in table.column_names if name != "fault"]
            for at in (1, 2):
                columns[at] = columns[at].cast(pa.string())
            columns[2] = self._explained(statement, piece, table, columns[2])
        statement.piece.table = piece.slice(0, 0)
        return pa.RecordBatch.from_arrays(columns, names=names)

    def _statement(self, piece: pa.Table) -> Statement:
        """The statement for columns carried like these, prepared once and run again for every piece."""
        schema = piece.schema
        statement = self._statements.get(schema)
        if statement is None:
            relation = f"piece{len(self._statements)}"
            holder = _Piece(piece.slice(0, 0))
            self._connection.register(relation, holder)
            rows = self._connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
            types = {str(row[0]): str(row[1]) for row in rows}
            names = [f"r{at}" for at in range(len(self._compiled.columns))]
            found = [types.get(name, "VARCHAR") for name in names]
            carriage = ["text" if type_ == "VARCHAR" else type_ for type_ in found]
            rest = schema.names[len(self._places) :]
            statement = Statement(
                self._connection,
                self._compiled,
                carriage,
                relation,
                holder,
                rest,
                self._outputs,
                self._payloads,
            )
            self._statements[schema] = statement
        return statement

    def _prepared(self, batch: pa.RecordBatch) -> pa.Table:
        """The batch under our own names, in the types that we know, cut so that all threads get a share."""
        import pyarrow as pa

        names = batch.schema.names
        places = [names.index(name) for name in self._compiled.used_columns]
        rest = [at for at in range(len(names)) if at not in set(places)]
        arrays = [_plain(batch.column(at)) for at in places] + [batch.column(at) for at in rest]
        ours = [f"r{at}" for at in self._places] + [names[at] for at in rest]
        if not arrays:
            arrays, ours = [pa.nulls(batch.num_rows, pa.int8())], ["nothing"]
        renamed = pa.RecordBatch.from_arrays(arrays, names=ours)
        share = max(2048, -(-batch.num_rows // self._threads))
        cut = [renamed.slice(first, share) for first in range(0, batch.num_rows, share)]
        return pa.Table.from_batches(cut, schema=renamed.schema)

    def _run(self, statement: Statement, piece: pa.Table) -> pa.Table:
        import duckdb

        try:
            return statement.run(piece)
        except (duckdb.InterruptException, duckdb.ParserException, duckdb.BinderException):
            raise
        except duckdb.Error as error:
            return self._apart(statement, piece, error, [_STATEMENTS])

    def _apart(self, statement: Statement, piece: pa.Table, error: Exception, left: list[int]) -> pa.Table:
        """Halve a piece that failed as a whole until the failing records stand alone."""
        import duckdb
        import pyarrow as pa

        if left[0] <= 0:
            raise error
        left[0] -= 1
        if piece.num_rows == 1:
            return statement.refuse(piece, plain_message(error))
        middle = piece.num_rows // 2
        results: list[pa.Table] = []
        for part in (piece.slice(0, middle), piece.slice(middle)):
            try:
                results.append(statement.run(part))
            except duckdb.InterruptException:
                raise
            except duckdb.Error as again:
                results.append(self._apart(statement, part, again, left))
        return pa.concat_tables(results)

    def _explained(
        self, statement: Statement, piece: pa.Table, table: pa.Table, messages: pa.Array
    ) -> pa.Array:
        """The messages, with the database's own words where an SQL expression failed (for the first few)."""
        import pyarrow as pa

        faults = _whole(table.column("fault"))
        if faults.null_count == len(faults):
            return messages
        said: dict[int, str] = {}
        for row in faults.is_valid().to_numpy(zero_copy_only=False).nonzero()[0].tolist():
            slot = statement.faults[faults[row].as_py()].fault.slot
            if slot is None:
                continue
            words = statement.failure(piece.slice(row, 1), slot)
            if words is not None:
                said[row] = words
            if len(said) >= _EXPLAINED:
                break
        if not said:
            return messages
        return pa.array([said.get(row, text) for row, text in enumerate(messages.to_pylist())], pa.string())


_STATEMENTS = 256
"""So many statements at most are spent on finding the records that make a piece fail."""


def _whole(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined.chunk(0) if hasattr(combined, "chunk") and combined.num_chunks else combined


def _plain(column: pa.Array) -> pa.Array:
    """A column in a type that the program knows; timestamps become UTC without a zone."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us"), safe=False) if kind != pa.timestamp("us") else column
    if pa.types.is_dictionary(kind):
        return _plain(column.dictionary_decode())
    if pa.types.is_date64(kind):
        return column.cast(pa.date32())
    if pa.types.is_null(kind) or pa.types.is_decimal256(kind):
        return column.cast(pa.string())
    if pa.types.is_float16(kind):
        return column.cast(pa.float32())
    return column
