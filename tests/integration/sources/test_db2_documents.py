"""Documents of ours in Db2: longer than a constant, than a text and than a value of a result."""

from __future__ import annotations

import json

from tests.servers.db2 import Database

from tailrace.sources.db2.source import Db2Source
from tailrace.state.checkpoint import read_checkpoint
from tailrace.state.names import StateNames
from tailrace.state.tables import ensure_mapping, ensure_schema


def test_documents_of_any_length_are_read_as_they_were_written(db2_database: Database) -> None:
    source = Db2Source("w", db2_database.settings())
    names = StateNames(source.schema, "wide_12345678")
    dialect = source.dialect
    with source.session() as session:
        ensure_schema(session, dialect, source.schema)
        ensure_mapping(session, dialect, names, source_id="s", model_id="m", project="p", mapping="w")
        table = dialect.table(names.schema, names.checkpoints)
        for length in (20, 8_000, 8_001, 31_999, 32_000, 32_001, 64_000, 100_003):
            text = json.dumps({"sql": "it's ".ljust(length - len('{"sql": ""}'), "x")})
            assert len(text) == length
            session.execute(f"UPDATE {table} SET {dialect.quote('spec')} = {dialect.literal(text)}")
            found = read_checkpoint(session, dialect, names)
            assert found is not None
            assert found.spec == json.loads(text)
