"""A connection test and whole syncs of BigQuery in a network of their own, where there is nothing but loopback.

Whatever any process or library there sends elsewhere, the C core of gRPC and resolvers included, has no route: the
kernel counts it. Prints what was counted, and what one connection that does go elsewhere adds to it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import struct
import sys
from pathlib import Path

from tests.e2e.bigquery import BigQueryWarehouse
from tests.e2e.project import Project
from tests.servers.bigquery import BigQueryServer

from tailrace.sources.bigquery.source import BigQuerySource
from tailrace.testing.receiver import Receiver

_SET_FLAGS, _UP = 0x8914, 0x1
_ELSEWHERE = ("192.0.2.1", 443)


def loopback_up() -> None:
    """What `ip link set lo up` does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))


def unroutable() -> int:
    """How many packets of this network had no route so far, of both protocols."""
    names, values = (
        line.split()
        for line in Path("/proc/self/net/snmp").read_text().splitlines()
        if line.startswith("Ip:")
    )
    old = int(dict(zip(names, values, strict=True))["OutNoRoutes"])
    new = dict(line.split() for line in Path("/proc/self/net/snmp6").read_text().splitlines())
    return old + int(new["Ip6OutNoRoutes"])


def main(folder: Path) -> None:
    loopback_up()
    server = BigQueryServer()
    server.start()
    try:
        os.environ |= server.environment()
        with server.dataset() as dataset, Receiver() as receiver:
            source = BigQuerySource("shop", dataset.settings())
            project = Project(folder, BigQueryWarehouse(dataset), receiver)
            project.people((1, "Ada"), (2, "Bob"))
            before = unroutable()
            failed = [step.name for step in source.check() if step.status != "passed"]
            delivered = [project.ok().counts.delivered for _ in range(2)]
            after = unroutable()
    finally:
        server.stop()
    with contextlib.suppress(OSError):
        socket.create_connection(_ELSEWHERE, 1)
    found = {
        "failed": failed,
        "delivered": delivered,
        "left": after - before,
        "control": unroutable() - after,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
