"""Reads a table over the Storage Read API through Tailrace and by Google's client alone, in turn, in one run.

`python -m bench.bigquery [ROWS]`. Against the stand-in, so the figures say what our side costs, and nothing of Google's.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from tests.servers.bigquery import BigQueryServer

from bench.machine import machine
from bench.measure import middle
from tailrace.sources.bigquery.source import BigQuerySource
from tailrace.sources.bigquery.storage import TableReader

ROUNDS = 5
AIM = 0.7
_COLUMNS = (
    "n, CONCAT('user', CAST(n AS STRING), '@example.com') AS email, CONCAT('Name ', CAST(n AS STRING)) AS name,"
    " n * 0.25 AS score, MOD(n, 2) = 0 AS active, DATE_ADD(DATE '2026-01-01', INTERVAL MOD(n, 365) DAY) AS day,"
    " TIMESTAMP_MICROS(1700000000000000 + n) AS seen, CAST(n AS STRING) AS code"
)


def bare(source: BigQuerySource, dataset: str, table: str) -> int:
    """Google's client as its documentation uses it: one stream, all batches."""
    from google.cloud.bigquery_storage_v1 import BigQueryReadClient, types
    from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

    with source.connected() as client:
        api = BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=client.channel()))
        session = api.create_read_session(
            parent=f"projects/{source.project}",
            read_session=types.ReadSession(
                table=f"projects/{source.project}/datasets/{dataset}/tables/{table}",
                data_format=types.DataFormat.ARROW,
            ),
            max_stream_count=1,
            metadata=client.storage_metadata(),
        )
        stream = api.read_rows(session.streams[0].name, metadata=client.storage_metadata())
        return sum(page.to_arrow().num_rows for page in stream.rows(session).pages)


def ours(source: BigQuerySource, dataset: str, table: str) -> int:
    """The same table as a sync reads its plan."""
    with source.connected() as client:
        return sum(batch.num_rows for batch in TableReader(client, dataset, table).batches())


def measured(read: Callable[[], int], rows: int) -> float:
    """Seconds of one read of all rows."""
    begun = time.perf_counter()
    assert read() == rows
    return time.perf_counter() - begun


def main() -> None:
    """Measure, print, and fail below the aim."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    server = BigQueryServer()
    server.start()
    try:
        with server.dataset() as data:
            data.sql(f"CREATE TABLE wide AS SELECT {_COLUMNS} FROM UNNEST(GENERATE_ARRAY(1, {rows})) AS n")
            source = BigQuerySource("bench", data.settings(), environ=server.environment())
            seconds: dict[str, list[float]] = {"bare": [], "tailrace": []}
            for _ in range(ROUNDS):
                seconds["bare"].append(measured(lambda: bare(source, data.name, "wide"), rows))
                seconds["tailrace"].append(measured(lambda: ours(source, data.name, "wide"), rows))
    finally:
        server.stop()
    print(machine())
    speeds = {name: rows / middle(values) for name, values in seconds.items()}
    for name, speed in speeds.items():
        print(f"  {name:<9} {speed:>11,.0f} rows/s")
    share = speeds["tailrace"] / speeds["bare"]
    print(f"  share     {share:>10.0%}   (aim: {AIM:.0%})")
    if share < AIM:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
