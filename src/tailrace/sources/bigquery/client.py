"""Google's clients, held to the configured addresses, with a deadline on every request."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tailrace.errors import SourceError, SourceUnavailable, TailraceError
from tailrace.sources.bigquery.errors import ours, reason_of
from tailrace.sources.bigquery.key import Key
from tailrace.sources.bigquery.settings import BigQuerySettings, Endpoints, is_allowed
from tailrace.sources.dialect import MARK

if TYPE_CHECKING:
    from google.cloud import bigquery

SCOPES = ("https://www.googleapis.com/auth/bigquery",)
REQUEST_SECONDS = 60.0
"""How long one request may take."""
RETRY_SECONDS = 120.0
"""How long a request is tried again (rate limits, 5xx, lost connections)."""
_LABEL, _, _VERSION = MARK.partition(":")


@contextlib.contextmanager
def translated(*, cancelled: bool = False, timeout: float | None = None) -> Iterator[None]:
    """Raise what Google's libraries raise as one of our errors."""
    try:
        yield
    except TailraceError:
        raise
    except Exception as error:
        if not _is_googles(error):
            raise
        raise ours(error, cancelled=cancelled, timeout=timeout) from error


def _is_googles(error: Exception) -> bool:
    module = type(error).__module__
    return module.startswith(("google.", "requests", "urllib3", "grpc", "cryptography")) or isinstance(
        error, TimeoutError
    )


class BigQueryClient:
    """One service account's way to BigQuery; connects at the first request, `close` ends its connections."""

    def __init__(self, key: Key, settings: BigQuerySettings, endpoints: Endpoints) -> None:
        self.project = settings.project or key.project
        self.location = settings.location
        self.endpoints = endpoints
        self._key = key
        self._guard = threading.Lock()
        self._google: bigquery.Client | None = None
        self._channel: Any = None
        self._credentials: Any = None

    @property
    def google(self) -> bigquery.Client:
        """Google's client of the API. Raises SourceError for a key that cannot be used."""
        with self._guard:
            if self._google is None:
                self._google = self._make()
            return self._google

    def _make(self) -> bigquery.Client:
        from google.cloud import bigquery

        with contextlib.ExitStack() as stack:
            http = stack.enter_context(contextlib.closing(self._http()))
            client = bigquery.Client(
                project=self.project,
                credentials=self.credentials,
                location=self.location,
                client_options={"api_endpoint": self.endpoints.api},
                _http=http,
            )
            stack.pop_all()
            return client

    @property
    def credentials(self) -> Any:
        """Credentials that ask for nothing but tokens, at the configured address."""
        if self._credentials is None:
            from google.oauth2 import service_account

            class Credentials(service_account.Credentials):
                """Google's, without the background request for "regional access boundaries" that nobody asked for."""

                def _is_regional_access_boundary_lookup_required(self) -> bool:
                    return False

            try:
                self._credentials = Credentials.from_service_account_info(
                    self._key.info(self.endpoints.token_uri), scopes=SCOPES
                )
            except ValueError as error:
                raise ours(error) from None
        return self._credentials

    def token_request(self) -> Any:
        """What fetches tokens: a session of its own that goes nowhere else."""
        from google.auth.transport import requests as transport

        class TokenSession(_guarded(transport.requests.Session, self.endpoints)):  # pyright: ignore[reportPrivateImportUsage]
            pass

        return transport.Request(TokenSession())

    def _http(self) -> Any:
        from google.auth.transport import requests as transport

        class ApiSession(_guarded(transport.AuthorizedSession, self.endpoints)):
            pass

        return ApiSession(
            self.credentials, auth_request=self.token_request(), refresh_timeout=REQUEST_SECONDS
        )

    # -- what is there, each by one free request

    def dataset_location(self, name: str, *, hidden: str | None = None) -> str | None:
        """Where a dataset is; None where there is none. Raises SourceError.

        `hidden` is the answer for one that this account may not see; BigQuery does not say whether it is there.
        """
        from google.cloud.bigquery.enums import DatasetView

        view = DatasetView.METADATA  # the full view asks for datasets.getIamPolicy, too
        try:
            return self.google.get_dataset(
                f"{self.project}.{name}", dataset_view=view, **deadlines()
            ).location
        except Exception as error:
            if reason_of(error) == "accessDenied":
                return hidden
            if reason_of(error) == "notFound":
                return None
            with translated():
                raise

    def tables(self, dataset: str) -> list[tuple[str, str | None]]:
        """A dataset's tables and views with our mark, where they carry it; none where there is no such dataset."""
        try:
            found = list(self.google.list_tables(f"{self.project}.{dataset}", page_size=1_000, **deadlines()))
        except Exception as error:
            if reason_of(error) == "notFound":
                return []
            with translated():
                raise
        return [
            (table.table_id, f"{_LABEL}:{table.labels[_LABEL]}" if _LABEL in table.labels else None)
            for table in found
        ]

    def columns(self, dataset: str, table: str) -> list[dict[str, Any]]:
        """A table's columns as the API writes them; none where there is no such table."""
        from google.cloud.bigquery import TableReference

        try:
            found = self.google.get_table(
                TableReference.from_api_repr(
                    {"projectId": self.project, "datasetId": dataset, "tableId": table}
                ),
                **deadlines(),
            )
        except Exception as error:
            if reason_of(error) == "notFound":
                return []
            with translated():
                raise
        return [field.to_api_repr() for field in found.schema]

    def row_count(self, dataset: str, table: str) -> int | None:
        """How many rows a table has that is not being written to. Raises SourceError."""
        with translated():
            return self.google.get_table(f"{self.project}.{dataset}.{table}", **deadlines()).num_rows

    def drop(self, dataset: str, table: str) -> None:
        """Drop a table, if it is there."""
        from google.cloud.bigquery import TableReference

        reference = TableReference.from_api_repr(
            {"projectId": self.project, "datasetId": dataset, "tableId": table}
        )
        with translated():
            self.google.delete_table(reference, not_found_ok=True, **deadlines())

    def cancel(self, job_id: str, location: str) -> bool:
        """Ask BigQuery to stop a job; False where there never was one of that id."""
        try:
            self.google.cancel_job(job_id, location=location, **deadlines())
        except Exception as error:
            if reason_of(error) == "notFound":
                return False
            if reason_of(error) not in ("invalid", "stopped"):
                with translated():
                    raise
        return True

    def end_session(self, session: str, location: str) -> None:
        """End one of BigQuery's sessions, with what runs in it; its open transaction is undone."""
        quoted = session.replace("\\", "\\\\").replace("'", "\\'")
        with translated():
            job = self.google.query(
                f"CALL BQ.ABORT_SESSION('{quoted}')", location=location, job_retry=None, **deadlines()
            )
            job.result(job_retry=None, retry=deadlines()["retry"], timeout=REQUEST_SECONDS)

    # -- the Storage Read API

    def channel(self) -> Any:
        """A connection to the Storage Read API. Raises SourceUnavailable where no address is configured for it."""
        with self._guard:
            if self._channel is None:
                self._channel = self._open_channel()
            return self._channel

    def _open_channel(self) -> Any:
        import grpc
        from google.auth.transport.grpc import AuthMetadataPlugin

        target = self.endpoints.storage
        if target is None:
            raise SourceUnavailable(
                "no address is configured for the Storage Read API",
                hint="Set TAILRACE_BIGQUERY_STORAGE_ENDPOINT beside TAILRACE_BIGQUERY_ENDPOINT, or `read_api: rest`.",
            )
        options = [("grpc.max_receive_message_length", -1), ("grpc.keepalive_time_ms", 60_000)]
        if self.endpoints.storage_plain:
            return grpc.insecure_channel(target, options=options)
        plugin = AuthMetadataPlugin(self.credentials, self.token_request())
        return grpc.secure_channel(
            target,
            grpc.composite_channel_credentials(
                grpc.ssl_channel_credentials(self._authorities()), grpc.metadata_call_credentials(plugin)
            ),
            options=options,
        )

    def _authorities(self) -> bytes | None:
        path = self.endpoints.storage_ca
        if path is None:
            return None
        try:
            with open(path, "rb") as file:
                return file.read()
        except OSError as error:
            raise SourceError(
                f"the file {path} of TAILRACE_BIGQUERY_STORAGE_CA cannot be read: {error.strerror}",
                hint="Correct the path: a PEM file of the authority to trust.",
                code="source_tls_files",
            ) from error

    def storage_metadata(self) -> list[tuple[str, str]]:
        """The token to send along where the channel is plain and cannot carry it."""
        if not self.endpoints.storage_plain:
            return []
        headers: dict[str, str] = {}
        request = self.token_request()
        with translated(), contextlib.closing(request.session):
            self.credentials.before_request(request, "POST", f"http://{self.endpoints.storage}", headers)
        return [("authorization", headers["authorization"])]

    def close(self) -> None:
        """End the connections."""
        with self._guard:
            if self._google is not None:
                self._google.close()
                self._google = None
            if self._channel is not None:
                self._channel.close()
                self._channel = None


def deadlines() -> dict[str, Any]:
    """How long one request may take, and how long it is tried again."""
    from google.cloud.bigquery import DEFAULT_RETRY

    return {"retry": DEFAULT_RETRY.with_deadline(RETRY_SECONDS), "timeout": REQUEST_SECONDS}


def _guarded(base: Any, endpoints: Endpoints) -> Any:
    class Guarded(base):
        """Refuses any address but the configured ones, also those that an answer redirects to; waits for none forever."""

        def send(self, request: Any, **options: Any) -> Any:
            options["timeout"] = options.get("timeout") or REQUEST_SECONDS
            if not is_allowed(request.url, endpoints):
                raise SourceError(
                    "a request to an address that is not configured was stopped",
                    hint="Something between here and BigQuery redirects requests; check proxies and DNS.",
                    code="source_failed",
                )
            return super().send(request, **options)

    return Guarded
