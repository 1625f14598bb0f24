"""The connection test of a BigQuery source: each right is really used, and the one that is missing is named."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tailrace.errors import SourceError, SourceUnavailable
from tailrace.sources.base import CheckStep
from tailrace.sources.bigquery.client import deadlines, translated
from tailrace.sources.bigquery.permissions import MANAGED, PROJECT, permission_in, remedy_for
from tailrace.sources.bigquery.storage import TableReader
from tailrace.sources.checking import Doubt, Probe, Step, run_steps

if TYPE_CHECKING:
    from tailrace.sources.bigquery.source import BigQuerySource

_CONNECT_SECONDS = 10
_HIDDEN = "?"
_LIKELY = {
    "create table": "bigquery.tables.create",
    "insert": "bigquery.tables.updateData",
    "update": "bigquery.tables.updateData",
    "delete": "bigquery.tables.updateData",
    "drop table": "bigquery.tables.delete",
}
"""What a refusal that names no permission is about."""


def check_bigquery(source: BigQuerySource) -> Iterator[CheckStep]:
    """Address, key, query, managed dataset and its location, a table in it, and the Storage Read API."""
    with contextlib.ExitStack() as stack:
        yield from run_steps(_Run(source, stack).steps())


class _Run:
    def __init__(self, source: BigQuerySource, stack: contextlib.ExitStack) -> None:
        self._source = source
        self._stack = stack
        self._client = stack.enter_context(source.connected())
        self._session = stack.enter_context(source.session(model=True))
        self._schema = source.managed_schema

    def steps(self) -> Iterator[Step]:
        yield Step("address", self._address)
        yield Step("key", self._key, ("address",))
        yield Step("query", self._granted(self._query, "bigquery.jobs.create", PROJECT), ("key",))
        yield Step("read", self._granted(self._read, "bigquery.jobs.create", PROJECT), ("query",))
        yield Step("managed schema", self._managed_schema, ("query",))
        probe = Probe(self._session, self._source.dialect, self._schema)
        self._stack.callback(probe.clean)
        for step in probe.steps("managed schema"):
            if step.name == "drop table":
                yield Step("read API", lambda: self._read_api(probe.name), ("create table",))
            yield Step(step.name, self._granted(step.run, _LIKELY[step.name], MANAGED), step.needs)

    def _address(self) -> str:
        parts = urlsplit(self._source.endpoints.api)
        host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
        try:
            with socket.create_connection((host, port), _CONNECT_SECONDS):
                return f"{host}, port {port} answers"
        except OSError as error:
            raise SourceUnavailable(
                f"{host}, port {port} cannot be reached: {error.strerror or error}",
                hint="Let this machine reach Google's APIs (port 443), or set HTTPS_PROXY where a proxy is needed.",
            ) from error

    def _key(self) -> str:
        request = self._client.token_request()
        with contextlib.closing(request.session), translated():
            self._client.credentials.refresh(request)
        return f"{self._source.key.email} has a token"

    def _query(self) -> str:
        self._session.bytes_read("SELECT 1 AS one")
        project, location = self._source.project, self._source.settings.location
        return f"queries can be checked without cost in the project {project}, location {location}"

    def _read(self) -> str:
        self._session.read("SELECT 1 AS one").read_all()
        return "queries run; whether a model's tables may be read, `tailrace preview` shows"

    def _managed_schema(self) -> str:
        spellings = sorted({self._schema, self._schema.upper()}, key=lambda name: name != self._schema)
        found = {name: self._client.dataset_location(name, hidden=_HIDDEN) for name in spellings}
        there = {name: location for name, location in found.items() if location not in (None, _HIDDEN)}
        if len(there) > 1:
            raise SourceError(
                f"there are several managed datasets: {' and '.join(sorted(there))}",
                hint="Name the one to use in the source's `schema`.",
                code="source_schema_ambiguous",
            )
        if there:
            self._schema, location = next(iter(there.items()))
            where = self._same(str(location))
            self._granted(self._list, "bigquery.tables.list", MANAGED)()
            return f"{self._schema} exists in {where}"
        self._create(hidden=found[self._schema] == _HIDDEN)
        return f"{self._schema} can be created"

    def _list(self) -> str:
        return f"{len(self._client.tables(self._schema))} tables"

    def _same(self, location: str) -> str:
        wanted = self._source.settings.location
        if location.lower() == wanted.lower():
            return location
        raise SourceError(
            f"the dataset {self._schema} is in {location}, but the source's location is {wanted}",
            hint=f"Set the source's `location` to {location} if the models' tables are there too; else drop that "
            "dataset, or name another one in `schema`. All of a source is in one location.",
            code="source_location",
        )

    def _create(self, *, hidden: bool) -> None:
        try:
            self._session.execute(self._source.dialect.create_schema(self._schema))
        except SourceError as error:
            if error.code != "source_permission":
                raise
            why = "may not be seen (it may not exist)" if hidden else "does not exist and cannot be created"
            lacking = "bigquery.datasets.get" if hidden else "bigquery.datasets.create"
            raise SourceError(
                f"the managed dataset {self._schema} {why}: the account lacks {lacking}",
                hint=remedy_for(lacking, MANAGED if hidden else PROJECT),
                code=error.code,
            ) from error
        if self._client.dataset_location(self._schema) is None:
            raise SourceError(
                f"the managed dataset {self._schema} was there or was created, but may not be seen: the account lacks "
                "bigquery.datasets.get",
                hint=remedy_for("bigquery.datasets.get", MANAGED),
                code="source_permission",
            )
        self._stack.callback(self._drop_schema)

    def _drop_schema(self) -> None:
        with contextlib.suppress(Exception):
            self._client.google.delete_dataset(
                f"{self._source.project}.{self._schema}", not_found_ok=True, **deadlines()
            )

    def _read_api(self, table: str) -> str:
        if self._source.settings.read_api == "rest":
            return "rest, as configured: slow, and billed only by queries"
        if not self._source.reads_fast:
            raise Doubt(
                "REST: no address is configured for the Storage Read API", "Set it, or `read_api: rest`."
            )
        try:
            for _ in TableReader(self._client, self._schema, table).batches():
                pass
        except SourceError as error:
            if error.code != "source_permission":
                raise
            lacking = permission_in(error.message) or "bigquery.readsessions.create"
            raise Doubt(
                f"records are read slowly, over REST, because the account lacks {lacking}",
                f"{remedy_for(lacking, PROJECT)} Or set `read_api: rest`.",
            ) from error
        return "Storage Read API"

    def _granted(self, run: Callable[[], str], likely: str, where: str) -> Callable[[], str]:
        """The step, with its refusal naming one permission and what grants it."""

        def named() -> str:
            try:
                return run()
            except SourceError as error:
                if error.code != "source_permission":
                    raise
                lacking = permission_in(error.message) or likely
                raise SourceError(
                    f"the account lacks {lacking}: {error.message}",
                    hint=remedy_for(lacking, where),
                    code=error.code,
                ) from error

        return named
