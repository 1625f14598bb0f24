"""Reads a table of ours over the Storage Read API: one stream of Arrow, taken up again where it broke."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tailrace.errors import Cancelled, SourceUnavailable
from tailrace.sources.bigquery.client import REQUEST_SECONDS, RETRY_SECONDS, BigQueryClient, translated
from tailrace.sources.bigquery.errors import reason_of
from tailrace.sources.deadline import deadline

if TYPE_CHECKING:
    import pyarrow as pa

STREAM_SECONDS = 3600.0
"""How long one call may stream before it is opened anew at the row it reached."""
SILENCE_SECONDS = 120.0
"""A call that gives nothing for so long is opened anew, too."""
BATCH_ROWS = 50_000
_ATTEMPTS = 5
_PAUSE = 0.5
_RESUMABLE = frozenset({"backendError", "internalError", "rateLimitExceeded", "authError"})


def complete(batches: Iterator[pa.RecordBatch], rows: int | None) -> Iterator[pa.RecordBatch]:
    """The same batches, held to be as many rows as BigQuery says there are. Raises SourceUnavailable at their end."""
    seen = 0
    for batch in batches:
        seen += batch.num_rows
        yield batch
    if rows is not None and seen != rows:
        raise SourceUnavailable(
            f"BigQuery: {seen:,} records were given, and then the end, where there are {rows:,}",
            hint="Run it again later: a sync goes on where it stopped.",
        )


class TableReader:
    """One read session of one stream over a table."""

    def __init__(self, client: BigQueryClient, dataset: str, table: str) -> None:
        from google.cloud.bigquery_storage_v1.services.big_query_read import BigQueryReadClient
        from google.cloud.bigquery_storage_v1.services.big_query_read.transports import (
            BigQueryReadGrpcTransport,
        )

        self._client = client
        self._stopped = threading.Event()
        self._call: Any = None
        transport = BigQueryReadGrpcTransport(channel=client.channel())
        self._api = BigQueryReadClient(transport=transport)
        self._stream, self.schema = self._open(dataset, table)

    def _open(self, dataset: str, table: str) -> tuple[str | None, pa.Schema]:
        import pyarrow as pa
        from google.api_core.retry import Retry
        from google.cloud.bigquery_storage_v1 import types

        project = self._client.project
        request = types.CreateReadSessionRequest(
            parent=f"projects/{project}",
            read_session=types.ReadSession(
                table=f"projects/{project}/datasets/{dataset}/tables/{table}",
                data_format=types.DataFormat.ARROW,
            ),
            max_stream_count=1,
        )
        with translated():
            session = self._api.create_read_session(
                request=request,
                retry=Retry(predicate=lambda error: reason_of(error) in _RESUMABLE, timeout=RETRY_SECONDS),
                timeout=REQUEST_SECONDS,
                metadata=self._metadata(request.read_session.table),
            )
        self._read_schema = pa.ipc.read_schema(pa.py_buffer(session.arrow_schema.serialized_schema))
        plain = pa.schema([pa.field(field.name, field.type) for field in self._read_schema])
        return (session.streams[0].name if session.streams else None), plain

    def _metadata(self, table: str) -> list[tuple[str, str]]:
        routing = ("x-goog-request-params", f"read_session.table={table}")
        return [routing, *self._client.storage_metadata()]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The table's rows in bounded batches. Raises SourceError, and Cancelled after `stop`."""
        if self._stream is None:
            return
        rows = failures = 0
        while True:
            before = rows
            try:
                for batch in self._responses(rows):
                    rows += batch.num_rows
                    for start in range(0, batch.num_rows, BATCH_ROWS):
                        yield batch.slice(start, BATCH_ROWS)
                return
            except Exception as error:
                failures = 1 if rows > before else failures + 1
                if self._stopped.is_set():
                    raise Cancelled("the statement was cancelled") from error
                if failures >= _ATTEMPTS or reason_of(error) not in _RESUMABLE:
                    with translated():
                        raise
            self._stopped.wait(_PAUSE * failures)

    def _responses(self, offset: int) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        from google.cloud.bigquery_storage_v1 import types

        request = types.ReadRowsRequest(read_stream=self._stream, offset=offset)
        metadata = [
            ("x-goog-request-params", f"read_stream={self._stream}"),
            *self._client.storage_metadata(),
        ]
        read_rows: Any = self._api.transport.read_rows
        call = read_rows(request, timeout=STREAM_SECONDS, metadata=metadata)
        self._call = call
        try:
            if self._stopped.is_set():
                raise Cancelled("the statement was cancelled")
            for response in _heard(call):
                found = types.ReadRowsResponse.pb(response).arrow_record_batch.serialized_record_batch
                batch = pa.ipc.read_record_batch(pa.py_buffer(found), self._read_schema)
                if batch.num_rows:
                    yield pa.RecordBatch.from_arrays(batch.columns, schema=self.schema)
        finally:
            call.cancel()

    def stop(self) -> None:
        """End the stream; may be called from another thread."""
        self._stopped.set()
        if self._call is not None:
            self._call.cancel()


def _heard(call: Any) -> Iterator[Any]:
    """What a call gives. Raises Google's errors, DeadlineExceeded also where nothing comes for SILENCE_SECONDS."""
    import grpc
    from google.api_core.exceptions import DeadlineExceeded, from_grpc_error

    while True:
        with deadline(SILENCE_SECONDS, call.cancel) as passed:
            try:
                response = next(call, None)
            except grpc.RpcError as error:
                if passed.is_set():
                    words = f"the Storage Read API was silent for {SILENCE_SECONDS:g} s"
                    raise DeadlineExceeded(words) from error
                raise from_grpc_error(error) from error
        if response is None:
            return
        yield response
