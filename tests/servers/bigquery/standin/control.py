"""What tests ask of the stand-in beside the API; every request carries the secret that the process was started with."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pyarrow as pa
from tests.servers.bigquery.standin.accounts import ADMINISTRATOR, Accounts
from tests.servers.bigquery.standin.calls import Calls
from tests.servers.bigquery.standin.catalog import Catalog
from tests.servers.bigquery.standin.errors import Refusal
from tests.servers.bigquery.standin.faults import Faults
from tests.servers.bigquery.standin.grants import grant_statement
from tests.servers.bigquery.standin.job import Job, finished
from tests.servers.bigquery.standin.jobs import Jobs

_PATIENCE = 300.0


class Control:
    """Answers /control/…"""

    def __init__(self, secret: str, accounts: Accounts, jobs: Jobs, catalog: Catalog, faults: Faults) -> None:
        self._secret = secret
        self._accounts = accounts
        self._jobs = jobs
        self._catalog = catalog
        self._faults = faults

    async def answer(self, path: str, raw: bytes, headers: dict[str, str], calls: Calls) -> tuple[int, Any]:
        if headers.get("x-control") != self._secret:
            return 403, {}
        body: dict[str, Any] = orjson.loads(raw or b"{}")
        try:
            return 200, await self._do(path.removeprefix("/control/"), body, calls)
        except Refusal as refusal:
            return refusal.code if refusal.code >= 400 else 400, refusal.body()
        except (KeyError, ValueError, TypeError) as error:
            return 400, {
                "error": {"message": f"{type(error).__name__}: {error}", "errors": [{"reason": "control"}]}
            }

    async def _do(self, what: str, body: dict[str, Any], calls: Calls) -> Any:
        match what:
            case "account":
                self._accounts.add(body["email"], body["public_key"])
            case "revoke-key":
                self._accounts.get(body["email"]).revoked = body["revoked"]
            case "permissions":
                self._accounts.change(
                    body["email"], body["action"], body["names"], body["project"], body["dataset"]
                )
            case "expire-tokens":
                self._accounts.expire_tokens()
            case "settings":
                self._jobs.pending = float(body.get("pending", self._jobs.pending))
                self._jobs.running = float(body.get("running", self._jobs.running))
                self._jobs.execution.updates.enforced = bool(
                    body.get("table_updates", self._jobs.execution.updates.enforced)
                )
                self._accounts.lifetime = float(body.get("token_lifetime", self._accounts.lifetime))
            case "fault":
                return {"id": self._faults.add(body)}
            case "fault-met":
                return {"met": self._faults.met(body["id"])}
            case "fault-release":
                self._faults.release(body["id"])
            case "faults-clear":
                self._faults.clear()
            case "jobs":
                wanted = body.get("project")
                jobs = self._jobs.log[body.get("start", 0) :]
                return [_shown(job) for job in jobs if wanted in (None, job.project)]
            case "calls":
                return calls.shown(body.get("start", 0), body.get("project"))
            case "sessions":
                return self._jobs.sessions.open()
            case "dataset":
                await asyncio.to_thread(self._dataset, body)
            case "drop":
                await asyncio.to_thread(self._drop, body["project"])
            case "sql":
                return await self._sql(body)
            case _:
                raise ValueError(what)
        return {}

    def _dataset(self, body: dict[str, Any]) -> None:
        connection = self._jobs.sessions.connect()
        self._catalog.create_dataset(connection, (body["project"], body["dataset"]), body["location"])

    def _drop(self, project: str) -> None:
        connection = self._jobs.sessions.connect()
        for dataset in list(self._catalog.datasets(project)):
            self._catalog.drop_dataset(connection, (project, dataset.dataset_id))

    async def _sql(self, body: dict[str, Any]) -> bytes:
        """Run statements as administrator, in one session; the rows of the last as Arrow."""
        project, location = body["project"], body["location"]
        table = pa.table({})
        for text in body["statements"]:
            if grant_statement(self._accounts, text, project):
                continue
            query: dict[str, Any] = {"query": text}
            if body.get("dataset"):
                query["defaultDataset"] = {"projectId": project, "datasetId": body["dataset"]}
            job = self._jobs.submit(
                ADMINISTRATOR,
                project,
                {"query": query, "labels": {"by": "administrator"}},
                {"location": location},
            )
            await finished(job, _PATIENCE)
            if job.error is not None:
                raise job.error
            table = job.result.table
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return sink.getvalue().to_pybytes()


def _shown(job: Job) -> dict[str, Any]:
    processed, billed = job.bytes
    return {
        "id": job.id,
        "project": job.project,
        "location": job.location,
        "account": job.account.email,
        "labels": job.labels,
        "statement": job.text,
        "kind": "LOAD" if "load" in job.configuration else job.result.kind,
        "state": job.state,
        "reason": job.error.reason if job.error else None,
        "message": job.error.message if job.error else None,
        "processed": processed,
        "billed": billed,
        "affected": job.loaded if "load" in job.configuration else job.result.affected,
        "session": job.session,
        "dry": job.dry,
        "seconds": job.ended - job.started if job.ended and job.started else None,
        "configuration": job.configuration,
    }
