"""Start the stand-in by hand: `.venv/bin/python -m tests.servers.bigquery`; Ctrl-C ends it.

Statements that are typed in, one a line, run as administrator: to change the data, to grant and to revoke.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import threading
from pathlib import Path

from tests.servers.bigquery.server import BigQueryServer, Dataset, StandInError

_ROWS = "INSERT INTO people VALUES (1, 'Ada', 'ada@example.com'), (2, 'Grace', 'grace@example.com')"
_PROJECT = """\
version: 1
project: shop
sources:
  warehouse: {{type: bigquery, credentials: "${{file:key.json}}", location: {location}, project: {project}}}
models:
  people:
    source: warehouse
    key: id
    sql: SELECT id, name, email FROM `{project}.{dataset}.people`
destinations:
  crm: {{type: webhook, url: "http://127.0.0.1:8899/"}}
mappings:
  people_to_crm: {{model: people, destination: crm, action: send, mode: mirror}}
"""


def _prepare(dataset: Dataset, folder: Path) -> None:
    dataset.sql("CREATE TABLE people (id INT64, name STRING, email STRING)", _ROWS)
    (folder / "key.json").write_text(json.dumps(dataset.account.key, indent=2))
    (folder / "tailrace.yml").write_text(
        _PROJECT.format(project=dataset.project, dataset=dataset.name, location=dataset.location)
    )


def _member(dataset: Dataset) -> str:
    return f"'serviceAccount:{dataset.account.email}'"


def _obey(dataset: Dataset) -> None:
    """Run what is typed."""
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            for row in dataset.sql(line):
                print(*row, sep=" | ")
            print("done", flush=True)
        except StandInError as refused:
            print(refused, flush=True)


def main() -> None:
    """Run until Ctrl-C or SIGTERM."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    server = BigQueryServer()
    server.start()
    try:
        with server.dataset() as dataset, tempfile.TemporaryDirectory(prefix="tailrace-bigquery-") as name:
            _prepare(dataset, Path(name))
            print(
                "A stand-in for BigQuery is running; Ctrl-C ends it. In another terminal, from this folder:\n"
            )
            print(f"  PATH=$PWD/.venv/bin:$PATH; cd {name}")
            for variable, value in server.environment().items():
                print(f"  export {variable}={value}")
            print("  python -m tailrace.testing.receiver --port 8899 &   # or a webhook of your own")
            print("  tailrace check && tailrace plan && tailrace sync\n")
            print("Statements typed here, one a line, run as administrator, for example:\n")
            print("  UPDATE people SET name = 'Ada L.' WHERE id = 1")
            print(f"  REVOKE `roles/bigquery.dataViewer` ON SCHEMA {dataset.name} FROM {_member(dataset)}\n")
            print("tailrace.yml, with key.json beside it:\n")
            print(Path(name, "tailrace.yml").read_text(), flush=True)
            threading.Thread(target=_obey, args=(dataset,), daemon=True).start()
            ended.wait()
    finally:
        server.stop()


if __name__ == "__main__":
    main()
