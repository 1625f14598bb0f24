"""What the warehouse and the wire allow without any of our state; run in a child process, prints its seconds."""

from __future__ import annotations

import asyncio
import itertools
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from tailrace.delivery.batch import Cutter, Size
from tailrace.delivery.http import HttpClient
from tailrace.delivery.outcomes import Rendered
from tailrace.destinations.define import Call
from tailrace.runtime.prepared import Prepared, prepare
from tailrace.runtime.rendering import PieceRenderer
from tailrace.spec.load import load_project

if TYPE_CHECKING:
    import pyarrow as pa

PIECE_ROWS = 10_000
_THREADS = 2


def rows(prepared: Prepared) -> str:
    """The model's rows as a sync would render them, with the columns that a plan would add."""
    dialect = prepared.source.dialect
    text = dialect.type_of("text")
    values = [
        f"{dialect.read_expr(dialect.store_expr(dialect.quote(each.name), each), dialect.storage(each))}"
        f" AS {dialect.quote(each.name)}"
        for each in prepared.used
    ]
    own = [
        "CAST(id AS bigint) AS _seq",
        f"CAST(id AS {text}) AS _key",
        f"CAST('added' AS {text}) AS _operation",
        f"CAST(NULL AS {text}) AS _prior_id",
    ]
    return f"SELECT {', '.join([*own, *values])} FROM ({prepared.statement}) AS model"


def pieces(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """What the reader gives, in pieces of about the size that a sync renders."""
    import pyarrow as pa

    waiting: list[pa.RecordBatch] = []
    for batch in reader:
        waiting.append(batch)
        if sum(each.num_rows for each in waiting) >= PIECE_ROWS:
            yield pa.Table.from_batches(waiting).combine_chunks().to_batches()[0]
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting).combine_chunks().to_batches()[0]


class Pipeline:
    """Reads, encodes and sends, and remembers nothing."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        target = prepared.target
        self._call = Call(target.settings, "bench", prepared.mapping.name, "bare")
        self._limits = target.action.limits(target.settings)
        self._read: queue.Queue[pa.RecordBatch | None] = queue.Queue(4)
        self._ready: queue.Queue[Rendered | None] = queue.Queue(4)
        self._lock = threading.Lock()
        self._waiting: Iterator[bytes] = iter(())
        self.sent = 0

    def run(self) -> None:
        """Send every row once."""
        threads = [threading.Thread(target=self._encode) for _ in range(_THREADS)]
        threads.append(threading.Thread(target=self._fill))
        for thread in threads:
            thread.start()
        self._waiting = self._bodies()
        uvloop.run(self._send())
        for thread in threads:
            thread.join()

    def _fill(self) -> None:
        with self._prepared.source.session(model=True) as session:
            for piece in pieces(session.read(rows(self._prepared))):
                self._read.put(piece)
        for _ in range(_THREADS):
            self._read.put(None)

    def _encode(self) -> None:
        prepared = self._prepared
        action, limits = prepared.target.action, prepared.source.limits
        with PieceRenderer(prepared.compiled, action, self._call, limits, threads=1) as renderer:
            while (piece := self._read.get()) is not None:
                self._ready.put(renderer.render(0, piece, last=True))
        self._ready.put(None)

    def _bodies(self) -> Iterator[bytes]:
        action, size = self._prepared.target.action, Size(self._limits.records, self._limits.bytes)
        separator = len(action.separator(self._call))
        ended = 0
        while ended < _THREADS:
            piece = self._ready.get()
            if piece is None:
                ended += 1
                continue
            for batch in Cutter(size).push(piece):
                part = batch.part()
                if part is not None:
                    self.sent += len(part)
                    yield action.body(part.items(separator), len(part), self._call)

    async def _send(self) -> None:
        async with HttpClient(self._limits.concurrency, 60.0) as http:
            await asyncio.gather(*(self._sender(http) for _ in range(self._limits.concurrency)))

    async def _sender(self, http: HttpClient) -> None:
        action, request = self._prepared.target.action, self._prepared.target.action.request(self._call)
        while True:
            bodies = await asyncio.to_thread(self._some)
            if not bodies:
                return
            for body in bodies:
                headers = action.headers(self._call, "bare", body, 0.0)
                answer = await http.exchange(request, headers, body, 1 << 20)
                assert answer.status == 200

    def _some(self) -> list[bytes]:
        """A hop to another thread costs more than a small request: take several of those at once."""
        with self._lock:
            most = 1 if self._limits.records > 1 else 64
            return list(itertools.islice(self._waiting, most))


def diff(prepared: Prepared) -> int:
    """The one statement that finds what changed, with nothing around it; gives the number of rows it found."""
    source, names = prepared.source, prepared.names
    dialect = source.dialect
    columns = [(dialect.quote(each.name), each) for each in prepared.used]
    differ = " OR ".join(
        dialect.differs(f"m.{name}", f"r.{name}", dialect.storage(each)) for name, each in columns
    )
    values = ", ".join(
        f"CASE WHEN m.record_id IS NULL THEN r.{name} ELSE m.{name} END AS {name}" for name, _ in columns
    )
    stored = ", ".join(f"{dialect.store_expr(name, each)} AS {name}" for name, each in columns)
    target = dialect.table(names.schema, "bench_changes")
    statement = f"""
CREATE TABLE {target} AS
SELECT CASE WHEN m.n > 1 THEN 'set_aside' WHEN r.record_id IS NULL THEN 'added'
            WHEN m.record_id IS NULL THEN 'deleted' ELSE 'updated' END AS operation,
       coalesce(m.record_id, r.record_id) AS record_id, {values}
FROM (SELECT *, count(*) OVER (PARTITION BY record_id) AS n
      FROM (SELECT {dialect.key_text(prepared.key, "model")} AS record_id, {stored}
            FROM ({prepared.statement}) AS model) AS keyed
      WHERE record_id IS NOT NULL) AS m
FULL OUTER JOIN {dialect.table(names.schema, names.records)} AS r ON r.record_id = m.record_id
WHERE m.record_id IS NULL OR r.record_id IS NULL OR m.n > 1 OR {differ}"""
    with source.session(model=True) as session:
        session.execute(dialect.drop_table(target))
        session.execute(statement)
        found = session.rows(f"SELECT count(*) FROM {target}")[0][0]
        session.execute(dialect.drop_table(target))
    return int(found)


def empty(prepared: Prepared) -> int:
    """Take the records out of the state, so that the statement finds all of them new."""
    dialect, names = prepared.source.dialect, prepared.names
    with prepared.source.session() as session:
        return session.execute(f"DELETE FROM {dialect.table(names.schema, names.records)}")


def main() -> None:
    """`pipeline|diff|empty FOLDER MAPPING`: prints seconds and records."""
    what, folder, mapping = sys.argv[1:]
    prepared = prepare(load_project(Path(folder), None, os.environ), mapping, os.environ)
    began = time.perf_counter()
    if what == "diff":
        found = diff(prepared)
    elif what == "empty":
        found = empty(prepared)
    else:
        pipeline = Pipeline(prepared)
        pipeline.run()
        found = pipeline.sent
    print(time.perf_counter() - began, found)


if __name__ == "__main__":
    main()
