"""The Storage Read API: bqemulator's answers, after our checks, with the faults that a test asks for.

https://cloud.google.com/bigquery/docs/reference/storage/rpc
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from bqemulator.grpc_api.read_servicer import BigQueryReadHandler
from bqemulator.streaming.read_session import _SESSIONS
from google.cloud.bigquery_storage_v1 import types
from tests.servers.bigquery.standin.accounts import Account, Accounts
from tests.servers.bigquery.standin.catalog import Catalog
from tests.servers.bigquery.standin.emulator import using
from tests.servers.bigquery.standin.errors import Refusal
from tests.servers.bigquery.standin.faults import Fault, Faults
from tests.servers.bigquery.standin.sessions import Sessions
from tests.servers.bigquery.standin.statement import TableName

_SERVICE = "/google.cloud.bigquery.storage.v1.BigQueryRead/"
_CODES = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
}
_REASONS = {
    "quotaExceeded": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "rateLimitExceeded": grpc.StatusCode.RESOURCE_EXHAUSTED,
}
MOST_SESSIONS = 32
"""So many snapshots are kept; Google keeps a session for six hours."""
_OPTIONS = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class Storage(grpc.GenericRpcHandler):
    """CreateReadSession, ReadRows and SplitReadStream."""

    def __init__(
        self, context: Any, accounts: Accounts, catalog: Catalog, sessions: Sessions, faults: Faults
    ) -> None:
        self._emulator = BigQueryReadHandler(context)
        self._accounts = accounts
        self._catalog = catalog
        self._sessions = sessions
        self._faults = faults

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        match handler_call_details.method.removeprefix(_SERVICE):
            case "CreateReadSession":
                return grpc.unary_unary_rpc_method_handler(self._create)
            case "ReadRows":
                return grpc.unary_stream_rpc_method_handler(self._read)
            case "SplitReadStream":
                return grpc.unary_unary_rpc_method_handler(self._emulator._handle_split_read_stream)
        return None

    def _create(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        account = self._account(context)
        wanted = types.CreateReadSessionRequest.deserialize(request)
        _, project, _, dataset, _, table = wanted.read_session.table.split("/")
        name = TableName(project, dataset, table)
        payer = wanted.parent.removeprefix("projects/")
        self._strike(context, "storage.CreateReadSession", account)
        if not account.may("bigquery.readsessions.create", payer):
            context.abort(
                grpc.StatusCode.PERMISSION_DENIED,
                "request failed: the user does not have 'bigquery.readsessions.create' permission for"
                f" 'projects/{payer}'",
            )
        if not account.may("bigquery.tables.getData", project, dataset):
            context.abort(
                grpc.StatusCode.PERMISSION_DENIED,
                "there was an error creating the session: the user does not have 'bigquery.tables.getData'"
                f" permission for '{wanted.read_session.table}'",
            )
        if self._catalog.table(name) is None:
            context.abort(
                grpc.StatusCode.NOT_FOUND,
                f"request failed: the table was not found: Not found: Table {name}",
            )
        connection = self._sessions.connect()
        try:
            with using(connection):
                made = self._emulator._handle_create_read_session(request, context)
            for forgotten in list(_SESSIONS)[:-MOST_SESSIONS]:
                del _SESSIONS[forgotten]
            return made
        finally:
            connection.close()

    def _read(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        account = self._account(context)
        if not account.may("bigquery.readsessions.getData", _project(request)):
            context.abort(
                grpc.StatusCode.PERMISSION_DENIED,
                "request failed: the user does not have 'bigquery.readsessions.getData' permission",
            )
        offset = types.ReadRowsRequest.deserialize(request).offset
        fault = self._faults.meet("storage.ReadRows", "before", account=account.email)
        seen = sent = 0
        if fault is not None and fault.rows == 0:
            self._happen(context, fault)
        for answer in self._emulator._handle_read_rows(request, context):
            response = types.ReadRowsResponse.deserialize(answer)
            seen += response.row_count
            if seen <= offset:
                continue
            if seen - response.row_count < offset:
                context.abort(grpc.StatusCode.OUT_OF_RANGE, "the offset is within a batch")
            if fault is not None and fault.rows and sent >= fault.rows:
                self._happen(context, fault)
            sent += response.row_count
            yield answer

    def _account(self, context: grpc.ServicerContext) -> Account:
        metadata = dict(context.invocation_metadata() or ())
        try:
            return self._accounts.authenticate(str(metadata.get("authorization", "")))
        except Refusal as refusal:
            context.abort(_CODES[refusal.code], refusal.message)

    def _strike(self, context: grpc.ServicerContext, call: str, account: Account) -> None:
        if fault := self._faults.meet(call, "before", account=account.email):
            self._happen(context, fault)

    def _happen(self, context: grpc.ServicerContext, fault: Fault) -> None:
        while fault.hold and not fault.released.wait(0.05):
            if not context.is_active():
                return
        time.sleep(fault.delay)
        if fault.drop:
            context.abort(grpc.StatusCode.UNAVAILABLE, "Connection reset by peer")
        if fault.reason:
            refusal = Refusal(
                fault.reason, fault.message or f"{fault.reason} asked for by a test", code=fault.code
            )
            code = _REASONS.get(fault.reason) or _CODES.get(refusal.code, grpc.StatusCode.INVALID_ARGUMENT)
            context.abort(code, refusal.message)


def _project(request: bytes) -> str:
    return types.ReadRowsRequest.deserialize(request).read_stream.split("/")[1]


def serve(storage: Storage, certificate: Path | None, key: Path | None) -> tuple[grpc.Server, int]:
    """A running gRPC server and its port; with a certificate it speaks TLS only."""
    server = grpc.server(ThreadPoolExecutor(32, thread_name_prefix="storage"), options=_OPTIONS)
    server.add_generic_rpc_handlers([storage])
    if certificate is not None and key is not None:
        credentials = grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
        port = server.add_secure_port("127.0.0.1:0", credentials)
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port
