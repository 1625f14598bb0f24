"""The REST API: who calls, which method is called, and the faults that meet it."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

import orjson
from tests.servers.bigquery.standin.access import require_project
from tests.servers.bigquery.standin.accounts import Account, Accounts, GrantError
from tests.servers.bigquery.standin.calls import Call, Calls
from tests.servers.bigquery.standin.control import Control
from tests.servers.bigquery.standin.errors import Refusal, not_found
from tests.servers.bigquery.standin.faults import Fault, Faults
from tests.servers.bigquery.standin.job import Job, finished
from tests.servers.bigquery.standin.jobs import Jobs
from tests.servers.bigquery.standin.resources import Resources, page
from tests.servers.bigquery.standin.statement import TableName
from tests.servers.bigquery.standin.uploads import Uploads

Send = Callable[[dict[str, Any]], Awaitable[None]]
_BASE = r"/bigquery/v2/projects/(?P<project>[^/]+)"
_DATASET = _BASE + r"/datasets/(?P<dataset>[^/]+)"
_TABLE = _DATASET + r"/tables/(?P<table>[^/:]+)"
_ROUTES = [
    ("POST", r"/token", "token"),
    ("POST", _BASE + r"/jobs", "jobs.insert"),
    ("POST", r"(?:/resumable)?/upload" + _BASE + r"/jobs", "jobs.upload"),
    ("PUT", r"(?:/resumable)?/upload" + _BASE + r"/jobs", "jobs.upload"),
    ("GET", _BASE + r"/jobs/(?P<job>[^/]+)", "jobs.get"),
    ("POST", _BASE + r"/jobs/(?P<job>[^/]+)/cancel", "jobs.cancel"),
    ("POST", _BASE + r"/queries", "jobs.query"),
    ("GET", _BASE + r"/queries/(?P<job>[^/]+)", "jobs.getQueryResults"),
    ("GET", _BASE + r"/datasets", "datasets.list"),
    ("POST", _BASE + r"/datasets", "datasets.insert"),
    ("GET", _DATASET, "datasets.get"),
    ("DELETE", _DATASET, "datasets.delete"),
    ("GET", _DATASET + r"/tables", "tables.list"),
    ("POST", _DATASET + r"/tables", "tables.insert"),
    ("GET", _TABLE, "tables.get"),
    ("PATCH", _TABLE, "tables.patch"),
    ("DELETE", _TABLE, "tables.delete"),
    ("POST", _TABLE + r":testIamPermissions", "tables.testIamPermissions"),
    ("GET", _TABLE + r"/data", "tabledata.list"),
]
ROUTES = [(method, re.compile(pattern), call) for method, pattern, call in _ROUTES]
_LONGEST_WAIT = 10.0
_SHORT = 0.1
"""So long an answer may wait for its job: small ones are done by then, and nobody needs to ask again."""


class App:
    """An ASGI application."""

    def __init__(
        self, accounts: Accounts, jobs: Jobs, resources: Resources, faults: Faults, control: Control
    ) -> None:
        self._accounts = accounts
        self._jobs = jobs
        self._resources = resources
        self._faults = faults
        self._control = control
        self._uploads = Uploads()
        self.calls = Calls()

    async def __call__(
        self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Send
    ) -> None:
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        raw = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else bytes(body)
        path = scope["path"].rstrip("/")
        if path.startswith("/control/"):
            await self._answer(send, *await self._control.answer(path, raw, headers, self.calls))
            return
        parameters = dict(parse_qsl(scope["query_string"].decode()))
        for method, pattern, name in ROUTES:
            if method == scope["method"] and (found := pattern.fullmatch(path)):
                call = Call(name, found.groupdict(), parameters, headers, raw)
                break
        else:
            call = Call("unknown", {}, parameters, headers, raw)
        self.calls.note(call, f"{scope['method']} {path}")
        try:
            await self._serve(call, send)
        finally:
            call.forget()

    async def _serve(self, call: Call, send: Send) -> None:
        try:
            if call.name != "token":
                call.account = self._accounts.authenticate(call.headers.get("authorization"))
            fault = self._meet(call, "before")
            if fault is not None and await self._strike(fault, send):
                return
            status, body, headers = await self._dispatch(call)
        except Refusal as refusal:
            status, body, headers = refusal.code, refusal.body(), {}
        except GrantError as error:
            status, body, headers = 400, error.body, {}
        except KeyError as error:
            status, body, headers = (
                400,
                Refusal("invalid", f"Required parameter is missing: {error}").body(),
                {},
            )
        call.status = status
        fault = self._meet(call, "after")
        if fault is not None and await self._strike(fault, send):
            return
        await self._answer(send, status, body, headers)

    def _meet(self, call: Call, when: str) -> Fault | None:
        account = call.account.email if call.account else ""
        return self._faults.meet(call.name, when, call.text, call.labels, account)

    async def _strike(self, fault: Fault, send: Send) -> bool:
        """Let a fault happen; whether the call is answered by it."""
        while fault.hold and not fault.released.is_set():
            await asyncio.sleep(0.02)
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.drop:
            send.__self__.transport.abort()  # type: ignore[attr-defined]
            return True
        if fault.reason:
            refusal = Refusal(
                fault.reason, fault.message or f"{fault.reason} asked for by a test", code=fault.code
            )
            await self._answer(send, refusal.code, refusal.body(), {})
            return True
        return False

    async def _answer(
        self, send: Send, status: int, body: Any, headers: dict[str, str] | None = None
    ) -> None:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        given = {"content-type": "application/json", "content-length": str(len(content)), **(headers or {})}
        encoded = [(name.encode(), value.encode()) for name, value in given.items()]
        with contextlib.suppress(OSError):
            await send({"type": "http.response.start", "status": status, "headers": encoded})
            await send({"type": "http.response.body", "body": content})

    # -- methods

    async def _dispatch(self, call: Call) -> tuple[int, Any, dict[str, str]]:
        if call.name == "token":
            return 200, self._accounts.token(dict(parse_qsl(call.body.decode()))), {}
        assert call.account is not None
        account, project = call.account, call.place.get("project", "")
        if call.name in ("jobs.insert", "jobs.query", "jobs.upload"):
            require_project(account, "jobs.create", project)
        match call.name:
            case "jobs.insert":
                return 200, await self._insert(call, account, project, call.json, None), {}
            case "jobs.upload":
                return await self._upload(call, account, project)
            case "jobs.query":
                return 200, await self._query(call, account, project), {}
            case "jobs.get":
                return 200, self._find(call, account, project).resource(), {}
            case "jobs.cancel":
                job = self._find(call, account, project)
                job.cancel()
                self._jobs.execution.locks.wake()
                return 200, {"kind": "bigquery#jobCancelResponse", "job": job.resource()}, {}
            case "jobs.getQueryResults":
                return 200, await self._results(call, self._find(call, account, project)), {}
            case "unknown":
                raise not_found("Not found: this stand-in has no such method")
            case _:
                return await asyncio.to_thread(self._resource, call, account, project)

    def _find(self, call: Call, account: Account, project: str) -> Job:
        job = self._jobs.find(project, call.place["job"], call.parameters.get("location"))
        if job.account.email != account.email and not account.may("bigquery.jobs.get", project):
            raise Refusal(
                "accessDenied",
                f"Access Denied: Job {project}:{job.location}.{job.id}: Permission bigquery.jobs.get denied on"
                f" job {project}:{job.location}.{job.id} (or it may not exist).",
            )
        return job

    async def _insert(
        self, call: Call, account: Account, project: str, body: dict[str, Any], media: bytes | None
    ) -> dict[str, Any]:
        job = self._jobs.submit(
            account, project, body["configuration"], body.get("jobReference") or {}, media
        )
        call.job = job.id
        if not job.dry:
            await finished(job, _SHORT)
        else:
            await job.finished.wait()
            if job.error is not None:
                raise job.error
        return job.resource()

    async def _upload(self, call: Call, account: Account, project: str) -> tuple[int, Any, dict[str, str]]:
        kind, value = self._uploads.receive(call)
        if kind == "started":
            host = call.headers.get("host", "")
            place = f"http://{host}/upload/bigquery/v2/projects/{project}/jobs?uploadType=resumable&upload_id={value}"
            return 200, {}, {"location": place}
        if kind == "more":
            return 308, {}, {"range": f"bytes=0-{value}"}
        body, media = value
        return 200, await self._insert(call, account, project, body, media), {}

    async def _query(self, call: Call, account: Account, project: str) -> dict[str, Any]:
        body = call.json
        own = (
            "location",
            "requestId",
            "timeoutMs",
            "maxResults",
            "labels",
            "dryRun",
            "formatOptions",
            "kind",
        )
        query = {name: value for name, value in body.items() if name not in own}
        configuration = {
            "query": query,
            "labels": body.get("labels") or {},
            "dryRun": body.get("dryRun", False),
        }
        job = self._jobs.submit(account, project, configuration, {"location": body.get("location")})
        call.job = job.id
        await finished(job, float(body.get("timeoutMs") or 10_000) / 1000)
        if job.dry and job.error is not None:
            raise job.error
        return self._page(job, {"maxResults": str(body["maxResults"])} if "maxResults" in body else {})

    async def _results(self, call: Call, job: Job) -> dict[str, Any]:
        wanted = float(call.parameters.get("timeoutMs") or _LONGEST_WAIT * 1000) / 1000
        await finished(job, min(wanted, _LONGEST_WAIT * 20))
        return self._page(job, call.parameters)

    def _page(self, job: Job, parameters: dict[str, str]) -> dict[str, Any]:
        reference = {"projectId": job.project, "jobId": job.id, "location": job.location}
        body: dict[str, Any] = {"kind": "bigquery#getQueryResultsResponse", "jobReference": reference}
        if not job.finished.is_set():
            return {**body, "jobComplete": False}
        if job.error is not None:
            raise job.error
        processed, billed = job.bytes
        start = int(parameters.get("pageToken") or parameters.get("startIndex") or 0)
        body |= page(job.result.table, start, parameters.get("maxResults"), job.id)
        body |= {
            "jobComplete": True,
            "schema": {"fields": job.result.schema},
            "totalBytesProcessed": str(processed),
            "totalBytesBilled": str(billed),
            "cacheHit": False,
            "kind": "bigquery#getQueryResultsResponse",
        }
        if job.result.affected is not None:
            body["numDmlAffectedRows"] = str(job.result.affected)
            body.pop("totalRows", None)
        if job.session is not None:
            body["sessionInfo"] = {"sessionId": job.session}
        return body

    def _resource(self, call: Call, account: Account, project: str) -> tuple[int, Any, dict[str, str]]:
        """Datasets and tables, in a thread with a connection of its own."""
        connection = self._jobs.sessions.connect()
        try:
            return 200, self._resourceful(call, account, project, connection), {}
        finally:
            connection.close()

    def _resourceful(self, call: Call, account: Account, project: str, connection: Any) -> Any:
        resources, dataset = self._resources, call.place.get("dataset", "")
        name = TableName(project, dataset, call.place.get("table", ""))
        match call.name:
            case "datasets.list":
                return resources.datasets_list(account, project)
            case "datasets.get":
                return resources.datasets_get(account, project, dataset)
            case "datasets.insert":
                return resources.datasets_insert(account, connection, project, call.json)
            case "datasets.delete":
                contents = call.parameters.get("deleteContents") == "true"
                return resources.datasets_delete(account, connection, project, dataset, contents)
            case "tables.list":
                return resources.tables_list(account, project, dataset)
            case "tables.get":
                return resources.tables_get(account, connection, name)
            case "tables.insert":
                table = TableName(project, dataset, call.json["tableReference"]["tableId"])
                return resources.tables_insert(account, connection, table, call.json)
            case "tables.patch":
                return resources.tables_patch(account, connection, name, call.json)
            case "tables.delete":
                return resources.tables_delete(account, connection, name)
            case "tables.testIamPermissions":
                return resources.tables_permissions(account, name, call.json)
            case _:
                return resources.rows(account, connection, name, call.parameters)
