"""Start the stand-in by hand: `.venv/bin/python -m tests.servers.azure`; Ctrl-C ends it."""

from __future__ import annotations

import json
import signal
import tempfile
import threading
from pathlib import Path

from tests.servers.azure.server import AzureServer, Pool

_PEOPLE = (
    "CREATE SCHEMA shop",
    "CREATE TABLE shop.people (id int NOT NULL, name nvarchar(50), email varchar(200))"
    " WITH (DISTRIBUTION = HASH(id), CLUSTERED COLUMNSTORE INDEX)",
    "INSERT INTO shop.people SELECT 1, N'Ada', 'ada@example.com' UNION ALL SELECT 2, N'Grace', 'grace@example.com'",
)
_PROJECT = """\
version: 1
project: shop
sources:
  warehouse: {source}
models:
  people: {{source: warehouse, key: id, sql: "SELECT id, name, email FROM shop.people"}}
destinations:
  crm: {{type: webhook, url: "http://127.0.0.1:8899/"}}
mappings:
  people_to_crm: {{model: people, destination: crm, action: send, mode: mirror}}
"""


def _prepare(pool: Pool, folder: Path) -> None:
    pool.sql(*_PEOPLE)
    source = json.dumps({"type": "azure"} | pool.settings(password="${env:POOL_PASSWORD}"))
    (folder / "tailrace.yml").write_text(_PROJECT.format(source=source))


def main() -> None:
    """Run until Ctrl-C or SIGTERM."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    server = AzureServer()
    try:
        server.start()
        with server.pool() as pool, tempfile.TemporaryDirectory(prefix="tailrace-azure-") as name:
            _prepare(pool, Path(name))
            quoted = pool.settings()["password"].replace("'", "'\\''")
            print("A stand-in for a dedicated SQL pool is running; Ctrl-C ends it.")
            print("In another terminal, from this folder:\n")
            print(f"  PATH=$PWD/.venv/bin:$PATH; cd {name}")
            print(f"  export POOL_PASSWORD='{quoted}'")
            for variable, value in server.environment().items():
                print(f"  export {variable}={value}")
            print("  python -m tailrace.testing.receiver --port 8899 &   # or a webhook of your own")
            print("  tailrace check && tailrace plan && tailrace sync\n")
            print("tailrace.yml:\n")
            print(Path(name, "tailrace.yml").read_text(), flush=True)
            ended.wait()
    finally:
        server.stop()


if __name__ == "__main__":
    main()
