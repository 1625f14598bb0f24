"""IBM's driver must not reconnect by itself: what it runs again then, it runs without what the session had set.

The keywords that forbid it are read from a file only, in which the database stands by name, host and port: see
https://www.ibm.com/docs/en/db2/12.1.x?topic=keywords-reconnect-support, and for a server that names alternates
https://www.ibm.com/docs/en/db2/11.5?topic=clients-configuration-automatic-client-reroute-support-other-than-java
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import quoteattr

from tailrace.sources.db2.settings import Db2Connection

FOLDER = "DB2DSDRIVER_CFG_PATH"
"""The environment variable that names the folder of the driver's file."""


@contextlib.contextmanager
def without_reroute(connection: Db2Connection) -> Iterator[dict[str, str]]:
    """The environment in which the driver connects; its file is there until the connection is open."""
    database = dict(connection.keywords)["DATABASE"]
    place = f"name={quoteattr(database)} host={quoteattr(connection.hostname)} port={quoteattr(str(connection.port))}"
    with tempfile.TemporaryDirectory(prefix="tailrace-db2-") as folder:
        (Path(folder) / "db2dsdriver.cfg").write_text(
            "<configuration>\n"
            f"<databases><database {place}>\n"
            '<acr><parameter name="enableAcr" value="false"/></acr>\n'
            "</database></databases>\n"
            '<parameters><parameter name="maxReconnectRetries" value="0"/></parameters>\n'
            "</configuration>\n",
            encoding="utf-8",
        )
        yield {FOLDER: folder}
