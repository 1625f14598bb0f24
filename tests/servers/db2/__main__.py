"""Starts the stand-in by hand: `python -m tests.servers.db2`, or with `--tls` for TLS only, or with `--port N`."""

from __future__ import annotations

import argparse
import signal
import threading

from tests.servers.db2.database import PASSWORD
from tests.servers.db2.server import Db2Server

_SETUP = (
    "CREATE SCHEMA SHOP",
    "CREATE TABLE SHOP.CUSTOMERS (ID INTEGER NOT NULL PRIMARY KEY, EMAIL VARCHAR(200), PLAN VARCHAR(20))",
    "INSERT INTO SHOP.CUSTOMERS VALUES (1, 'ada@example.com', 'pro'), (2, 'bob@example.com', 'free')",
    "CREATE SCHEMA SEGMENT_REVERSE_ETL",
)
_GRANTS = (
    "GRANT CREATETAB ON DATABASE TO USER {user}",
    "GRANT CREATEIN, DROPIN ON SCHEMA SEGMENT_REVERSE_ETL TO USER {user}",
    "GRANT SELECT ON TABLE SHOP.CUSTOMERS TO USER {user}",
)
_PAGE = """\
Db2's stand-in listens on {hostname}:{port} (TLS{plain}). Write this to tailrace.yml in an empty folder:

version: 1
project: shop
sources:
  shop:
    type: db2
    hostname: {hostname}
    port: {port}
    database: {database}
    username: {username}
    password: ${{env:DB2_PASSWORD}}
    tls:
      ca: {ca}
    options:
{options}

Then, in that folder:

  export DB2_PASSWORD={password}
  tailrace check shop

It has the table SHOP.CUSTOMERS; the administrator is db2inst1 with the same password. Ctrl-C ends it and all that
is in it.
"""


def main() -> None:
    """Run the stand-in until a signal ends it."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers.db2", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="where to listen; a free port by default")
    parser.add_argument("--tls", action="store_true", help="send clients away that do not use TLS")
    chosen = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    server = Db2Server(tls_only=chosen.tls)
    try:
        server.start(chosen.port)
        with server.database() as database:
            database.sql(*_SETUP)
            settings = database.user("segment", *_GRANTS)
            options = "\n".join(f'      {name}: "{value}"' for name, value in settings["options"].items())
            plain = "" if chosen.tls else " and plain text"
            words = {**settings, "options": options, "ca": settings["tls"]["ca"], "password": PASSWORD}
            print(_PAGE.format(**words, plain=plain), flush=True)
            ended.wait()
    finally:
        server.stop()


if __name__ == "__main__":
    main()
