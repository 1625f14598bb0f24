"""The process of the stand-in: `python -m tests.servers.bigquery.standin`, in the environment of bqemulator.

Reads one line of JSON (`secret`, `certificate`, `key`), writes one (`rest`, `storage`: ports), and ends when its
standard input does, so that it never outlives whoever started it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from pathlib import Path
from typing import Any

import uvicorn
from tests.servers.bigquery.standin.accounts import Accounts
from tests.servers.bigquery.standin.app import App
from tests.servers.bigquery.standin.catalog import Catalog
from tests.servers.bigquery.standin.control import Control
from tests.servers.bigquery.standin.emulator import assemble
from tests.servers.bigquery.standin.execution import Execution
from tests.servers.bigquery.standin.faults import Faults
from tests.servers.bigquery.standin.jobs import Jobs
from tests.servers.bigquery.standin.locks import Locks
from tests.servers.bigquery.standin.resources import Resources
from tests.servers.bigquery.standin.sessions import Sessions
from tests.servers.bigquery.standin.storage import Storage, serve
from tests.servers.bigquery.standin.translation import install


async def _main(wanted: dict[str, Any]) -> None:
    context = await assemble()
    install(context.engine.root)
    accounts, catalog, faults, locks = Accounts(), Catalog(context), Faults(), Locks()
    sessions = Sessions(context.engine.root, locks)
    jobs = Jobs(Execution(context, catalog, locks, accounts), sessions, faults)
    control = Control(wanted["secret"], accounts, jobs, catalog, faults)
    app = App(accounts, jobs, Resources(catalog, accounts), faults, control)
    certificate, key = (Path(wanted[each]) if wanted.get(each) else None for each in ("certificate", "key"))
    grpc_server, storage = serve(Storage(context, accounts, catalog, sessions, faults), certificate, key)
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=wanted.get("port") or 0,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_keep_alive=3600,
    )
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # syntax trees are large and short-lived
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    rest = server.servers[0].sockets[0].getsockname()[1]
    print(json.dumps({"rest": rest, "storage": storage}), flush=True)
    await asyncio.to_thread(sys.stdin.buffer.read)
    faults.clear()
    serving.cancel()
    grpc_server.stop(None)
    os._exit(0)  # nothing is kept, and whatever still runs need not be waited for


if __name__ == "__main__":
    asyncio.run(_main(json.loads(sys.stdin.buffer.readline())))
