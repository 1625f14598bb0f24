"""Google's own clients, pointed at the stand-in as little as possible: address, token address, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import google.api_core.exceptions
import google.auth.exceptions
import google.auth.transport.requests
import grpc
import pyarrow as pa
from google.cloud import bigquery, bigquery_storage_v1
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport
from google.oauth2 import service_account
from tests.servers.bigquery import Account, Dataset

SCOPES = ["https://www.googleapis.com/auth/bigquery"]


class Credentials(service_account.Credentials):
    """Google's, without the background request for "regional access boundaries"."""

    def _is_regional_access_boundary_lookup_required(self) -> bool:
        return False


def credentials(account: Account, scopes: Sequence[str] = SCOPES) -> Credentials:
    """Credentials of an account, whose tokens come from the stand-in."""
    address = account.server.environment()["TAILRACE_BIGQUERY_TOKEN_URI"]
    return Credentials.from_service_account_info({**account.key, "token_uri": address}, scopes=scopes)


class Client:
    """One account's clients: SQL, the API and the Storage API."""

    def __init__(self, dataset: Dataset, account: Account | None = None, location: str | None = None) -> None:
        account = account or dataset.account
        self.dataset = dataset
        self.credentials = credentials(account)
        environment = dataset.server.environment()
        self.api = bigquery.Client(
            project=dataset.project,
            credentials=self.credentials,
            location=location or dataset.location,
            client_options={"api_endpoint": environment["TAILRACE_BIGQUERY_ENDPOINT"]},
        )
        self._storage = environment["TAILRACE_BIGQUERY_STORAGE_ENDPOINT"]
        self._ca = environment.get("TAILRACE_BIGQUERY_STORAGE_CA")

    def close(self) -> None:
        self.api.close()

    def job(self, sql: str, *, job_id: str | None = None, session: str | None = None, **config: Any) -> Any:
        """Begin a job."""
        made = bigquery.QueryJobConfig(use_query_cache=False, **config)
        if session is not None:
            made.connection_properties = [bigquery.ConnectionProperty("session_id", session)]
        return self.api.query(sql, job_config=made, job_id=job_id, job_retry=None)

    def run(self, sql: str, **options: Any) -> Any:
        """Run a job to its end."""
        job = self.job(sql, **options)
        job.result(job_retry=None)
        return job

    def rows(self, sql: str, **options: Any) -> list[tuple[Any, ...]]:
        """A query's rows."""
        return [tuple(row.values()) for row in self.job(sql, **options).result(job_retry=None)]

    def session(self) -> str:
        """A new session's id."""
        return self.run("SELECT 1", create_session=True).session_info.session_id

    @contextmanager
    def storage(self, *, token: bool = True) -> Iterator[Callable[[str], pa.Table]]:
        """Read a whole table by the Storage Read API."""
        if token and not self.credentials.token:
            self.credentials.refresh(google.auth.transport.requests.Request())
        metadata = [("authorization", f"Bearer {self.credentials.token}")] if token else []
        options = [("grpc.max_receive_message_length", -1)]
        if self._ca is None:
            channel = grpc.insecure_channel(self._storage, options=options)
        else:
            credentials = grpc.ssl_channel_credentials(Path(self._ca).read_bytes())
            channel = grpc.secure_channel(self._storage, credentials, options=options)
        reader = bigquery_storage_v1.BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel))

        def read(table: str) -> pa.Table:
            path = f"projects/{self.dataset.project}/datasets/{self.dataset.name}/tables/{table}"
            wanted = bigquery_storage_v1.types.ReadSession(
                table=path, data_format=bigquery_storage_v1.types.DataFormat.ARROW
            )
            session = reader.create_read_session(
                parent=f"projects/{self.dataset.project}",
                read_session=wanted,
                max_stream_count=1,
                metadata=metadata,
                retry=None,
            )
            schema = pa.ipc.read_schema(pa.py_buffer(session.arrow_schema.serialized_schema))
            batches = []
            for stream in session.streams:
                for answer in reader.read_rows(stream.name, metadata=metadata):
                    message = pa.py_buffer(answer.arrow_record_batch.serialized_record_batch)
                    batches.append(pa.ipc.read_record_batch(message, schema))
            return pa.Table.from_batches(batches, schema=schema)

        try:
            yield read
        finally:
            channel.close()


def reason(error: BaseException) -> str:
    """Why BigQuery refused."""
    errors = getattr(error, "errors", None) or [{}]
    return str(errors[0].get("reason"))


Refused = google.api_core.exceptions.GoogleAPICallError
TokenRefused = google.auth.exceptions.RefreshError
