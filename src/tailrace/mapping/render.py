"""Renders records: one vectorised DuckDB SELECT over an Arrow batch gives each record's payload as JSON text."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from tailrace.errors import ConfigError
from tailrace.mapping.build import Builder, Built, text_of
from tailrace.mapping.engine import connect, deadline
from tailrace.mapping.expression import FieldError, Object
from tailrace.mapping.program import Program, literal, plain_message
from tailrace.sources.base import Column, Kind

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
        builder = Builder(program, {name: at for at, name in enumerate(compiled.used_columns)})
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


class Statement:
    """The SELECT for one way in which Arrow carries the columns."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        compiled: CompiledMapping,
        carriage: Sequence[str],
        passthrough: Sequence[str],
        outputs: dict[str, str],
    ) -> None:
        self.program = Program(connection, compiled.columns, carriage)
        builder = Builder(self.program, {name: at for at, name in enumerate(compiled.used_columns)})
        built = builder.document(compiled.tree, compiled.action_fields)
        self.faults = built.faults
        self.text = self._select(built, passthrough, outputs)

    def _select(self, built: Built, passthrough: Sequence[str], outputs: dict[str, str]) -> str:
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
        kept = "".join(f', "{name}"' for name in passthrough)
        needed = " ".join([document, fault, message])
        source = self.program.source("piece", needed)
        inner = f"SELECT *, {document} AS document, {fault} AS fault FROM ({source})"
        large = f"(fault IS NULL AND strlen(document) > {PAYLOAD_BYTES})"
        refused = (
            f"SELECT CASE WHEN fault IS NULL AND NOT {large} THEN document END AS payload,"
            f" CASE WHEN {large} THEN '' ELSE {field} END AS error_field,"
            f" CASE WHEN {large} THEN 'the payload is larger than {PAYLOAD_BYTES // 1024} KiB: '"
            f" || strlen(document) || ' bytes' ELSE {message} END AS error_message, fault{kept} FROM ({inner})"
        )
        if not outputs:
            return f"SELECT payload, error_field, error_message, fault FROM ({refused})"
        listed = "".join(f', {sql} AS "{name}"' for name, sql in outputs.items())
        return f"SELECT payload, error_field, error_message, fault{listed} FROM ({refused})"


class Renderer:
    """Renders the records of one mapping, piece by piece; use it as a context manager, from one thread at a time.

    A record that the mapping refuses has no payload but an error; it never fails the others. Raises MappingTimeout
    where a piece takes too long.
    """

    def __init__(
        self,
        compiled: CompiledMapping,
        outputs: dict[str, str],
        *,
        threads: int,
        memory_limit: str,
        timeout: float,
    ) -> None:
        self._compiled = compiled
        self._outputs = outputs
        self._threads = threads
        self._timeout = timeout
        self._connection = connect(threads=threads, memory_limit=memory_limit)
        self._statements: dict[pa.Schema, Statement] = {}

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

        The batch holds the used columns by name, the model's first where a passthrough column has the same name;
        whatever else it holds is passed through to the outputs. The rows keep their order.
        """
        import pyarrow as pa

        piece = self._prepared(batch)
        self._connection.register("piece", piece)
        try:
            statement = self._statement(piece.schema)
            with deadline(self._connection, self._timeout):
                table = self._run(statement, piece)
            columns = [_whole(table.column(name)) for name in table.column_names if name != "fault"]
            names = [name for name in table.column_names if name != "fault"]
            for at in (1, 2):
                columns[at] = columns[at].cast(pa.string())
            columns[2] = self._explained(statement, piece, table, columns[2])
        finally:
            self._connection.unregister("piece")
        return pa.RecordBatch.from_arrays(columns, names=names)

    def _statement(self, schema: pa.Schema) -> Statement:
        statement = self._statements.get(schema)
        if statement is None:
            rows = self._connection.execute("DESCRIBE SELECT * FROM piece").fetchall()
            types = {str(row[0]): str(row[1]) for row in rows}
            count = len(self._compiled.columns)
            carriage = ["text" if types[f"r{at}"] == "VARCHAR" else types[f"r{at}"] for at in range(count)]
            statement = Statement(
                self._connection, self._compiled, carriage, schema.names[count:], self._outputs
            )
            self._statements[schema] = statement
        return statement

    def _prepared(self, batch: pa.RecordBatch) -> pa.Table:
        """The batch under our own names and in the few types that we know, cut so that all threads get a share."""
        import pyarrow as pa

        names = batch.schema.names
        places = [names.index(name) for name in self._compiled.used_columns]
        rest = [at for at in range(len(names)) if at not in set(places)]
        arrays = [_plain(batch.column(at)) for at in places] + [batch.column(at) for at in rest]
        ours = [f"r{at}" for at in range(len(places))] + [names[at] for at in rest]
        if not arrays:
            arrays, ours = [pa.nulls(batch.num_rows, pa.int8())], ["nothing"]
        renamed = pa.RecordBatch.from_arrays(arrays, names=ours)
        share = max(2048, -(-batch.num_rows // self._threads))
        cut = [renamed.slice(first, share) for first in range(0, batch.num_rows, share)]
        return pa.Table.from_batches(cut, schema=renamed.schema)

    def _run(self, statement: Statement, piece: pa.Table) -> pa.Table:
        import duckdb

        try:
            return self._connection.sql(statement.text).to_arrow_table()
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
            self._connection.register("piece", piece.slice(0, 0))
            empty = self._connection.sql(statement.text).to_arrow_table()
            values = {"error_field": "", "error_message": plain_message(error)}
            return pa.table(
                [pa.array([values.get(one.name)], one.type) for one in empty.schema], schema=empty.schema
            )
        middle = piece.num_rows // 2
        results: list[pa.Table] = []
        for part in (piece.slice(0, middle), piece.slice(middle)):
            self._connection.register("piece", part)
            try:
                results.append(self._connection.sql(statement.text).to_arrow_table())
            except duckdb.InterruptException:
                raise
            except duckdb.Error as again:
                results.append(self._apart(statement, part, again, left))
        return pa.concat_tables(results)

    def _explained(
        self, statement: Statement, piece: pa.Table, table: pa.Table, messages: pa.Array
    ) -> pa.Array:
        """The messages, with the database's own words where an SQL expression failed (for the first few)."""
        import duckdb
        import pyarrow as pa
        import pyarrow.compute as pc

        faults = _whole(table.column("fault"))
        if faults.null_count == len(faults):
            return messages
        said: dict[int, str] = {}
        for row in pc.indices_nonzero(pc.is_valid(faults)).to_pylist():
            slot = statement.faults[faults[row].as_py()].fault.slot
            if slot is None:
                continue
            self._connection.register("piece", piece.slice(row, 1))
            try:
                self._connection.sql(statement.program.explain_source("piece", slot)).fetchall()
            except duckdb.Error as error:
                said[row] = plain_message(error)
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
