"""How often a table may change: five times in ten seconds, whoever does it.

https://cloud.google.com/bigquery/quotas#standard_tables: DML counts, but is not subject to it; the name counts, so that
a table which is dropped and made again goes on counting.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque

from tests.servers.bigquery.standin.errors import Refusal
from tests.servers.bigquery.standin.statement import TableName

MOST = 5
SECONDS = 10.0


class TableUpdates:
    """Counted always, refused only while `enforced`."""

    def __init__(self) -> None:
        self.enforced = False
        self._guard = threading.Lock()
        self._times: defaultdict[TableName, deque[float]] = defaultdict(lambda: deque(maxlen=MOST))

    def admit(self, table: TableName) -> None:
        """Count one that is subject to the limit. Raises Refusal."""
        with self._guard:
            times, now = self._times[table], time.monotonic()
            if self.enforced and len(times) == MOST and now - times[0] < SECONDS:
                raise Refusal(
                    "jobRateLimitExceeded",
                    "Exceeded rate limits: too many table update operations for this table. For more information,"
                    " see https://cloud.google.com/bigquery/docs/troubleshoot-quotas",
                )
            times.append(now)

    def note(self, table: TableName) -> None:
        """Count one that is not."""
        with self._guard:
            self._times[table].append(time.monotonic())
