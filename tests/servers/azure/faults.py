"""Faults on demand: what the next logins and statements meet."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Literal

from tests.servers.azure.errors import SqlError

At = Literal["before", "during", "rows", "after"]
TEXTS = {
    615: "Could not find database ID 5, name '{database}'.",
    701: "There is insufficient system memory in resource pool 'SloSharedPool1' to run this query.",
    926: "Database '{database}' cannot be opened. It has been marked SUSPECT by recovery. See the SQL Server errorlog for"
    " more information.",
    1105: "Could not allocate space for object 'dbo.t' in database '{database}' because the 'PRIMARY' filegroup is full.",
    4221: "Login to read-secondary failed due to long wait on 'HADR_DATABASE_WAIT_FOR_TRANSITION_TO_VERSIONING'.",
    40531: "Server name cannot be determined. It must appear as the first segment of the server's dns name.",
    40540: "The service has encountered an error processing your request. Please try again.",
    47073: "Reason: An instance-specific error occurred while establishing a connection to SQL Server. Connection was"
    " denied since Deny Public Network Access is set to Yes. To connect to this server, use the Private Endpoint from"
    " inside your virtual network.",
    110003: "110003;Invalid user or password",
    1204: "The instance of the SQL Server Database Engine cannot obtain a LOCK resource at this time. Rerun your"
    " statement when there are fewer active users.",
    1205: "Transaction (Process ID 57) was deadlocked on lock resources with another process and has been chosen as"
    " the deadlock victim. Rerun the transaction.",
    1222: "Lock request time out period exceeded.",
    4060: 'Cannot open database "{database}" requested by the login. The login failed.',
    916: 'The server principal "{user}" is not able to access the database "{database}" under the current security'
    " context.",
    10928: "Resource ID: 1. The request limit for the database is 128 and has been reached. See"
    " 'https://docs.microsoft.com/azure/azure-sql/database/resource-limits-logical-server' for assistance.",
    10929: "Resource ID: 1. The request minimum guarantee is 0, maximum limit is 128 and the current usage for the"
    " database is 128. However, the server is currently too busy to support requests greater than 128 for this"
    " database. Please try again later.",
    18456: "Login failed for user '{user}'.",
    40143: "The service has encountered an error processing your request. Please try again.",
    40197: "The service has encountered an error processing your request. Please try again. Error code 4060.",
    40501: "The service is currently busy. Retry the request after 10 seconds. Incident ID: 1.",
    40613: "Database '{database}' on server '{server}' is not currently available. Please retry the connection later."
    " If the problem persists, contact customer support, and provide them the session tracing ID of '{{0}}'.",
    40615: "Cannot open server '{server}' requested by the login. Client with IP address '203.0.113.7' is not allowed"
    " to access the server. To enable access, use the Windows Azure Management Portal or run"
    " sp_set_firewall_rule on the master database to create a firewall rule for this IP address or address range."
    " It may take up to five minutes for this change to take effect.",
    40847: "Could not perform the operation because server would exceed the allowed Database Transaction Unit quota"
    " of 45000.",
    40892: "Cannot connect to database when it is paused.",
    40914: "Cannot open server '{server}' requested by the login. Client is not allowed to access the server.",
    42108: "Can not connect to the SQL pool since it is paused. Please resume the SQL pool and try again.",
    42109: "The SQL pool is warming up. Please try again.",
    49918: "Cannot process request. Not enough resources to process request. The service is currently busy. Please"
    " retry the request later.",
    49919: "Cannot process create or update request. Too many create or update operations in progress for subscription"
    ' "{server}". The service is busy processing multiple create or update requests for your subscription or server.'
    " Requests are currently blocked for resource optimization.",
    49920: 'Cannot process request. Too many operations in progress for subscription "{server}". The service is busy'
    " processing multiple requests for this subscription.",
    110802: "110802;An internal DMS error occurred that caused this operation to fail. Details: Exception:"
    " System.Data.SqlClient.SqlException, Message: A severe error occurred on the current command.",
}
SERVER = "tailrace-stand-in"


def error(number: int, user: str = "", database: str = "") -> SqlError:
    """A pool's error by its number. Raises KeyError for one that is not known here."""
    words = TEXTS[number].format(user=user, database=database, server=SERVER)
    severity = (
        14
        if number in (18456, 916, 40615, 110003)
        else 11
        if number == 4060
        else 13
        if number == 1205
        else 16
    )
    return SqlError(number, words, severity)


@dataclass
class Fault:
    """One fault that waits for a login or a statement."""

    what: Literal["error", "drop", "hold"]
    number: int = 0
    containing: str = ""
    times: int | None = 1
    at: At = "before"
    rows: int = 0
    login: bool = False
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)


class FaultBox:
    """The faults that wait, in the server's process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[int, Fault] = {}
        self._holds: dict[int, Fault] = {}
        self._count = 0

    def add(self, fault: Fault) -> int:
        with self._lock:
            self._count += 1
            self._faults[self._count] = fault
            if fault.what == "hold":
                self._holds[self._count] = fault
            return self._count

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()
            for fault in self._holds.values():
                fault.released.set()
            self._holds.clear()

    def waiting(self) -> int:
        with self._lock:
            return len(self._faults)

    def hold(self, number: int) -> Fault:
        return self._holds[number]

    def login(self) -> Fault | None:
        """What this login meets."""
        return self._take(lambda fault: fault.login)

    def statement(self, text: str) -> Fault | None:
        """What this statement meets."""
        upper = text.upper()
        return self._take(lambda fault: not fault.login and fault.containing.upper() in upper)

    def _take(self, fits) -> Fault | None:  # type: ignore[no-untyped-def]
        if not self._faults:
            return None
        with self._lock:
            for key, fault in self._faults.items():
                if fits(fault):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            del self._faults[key]
                    return fault
        return None
