"""The errors of a dedicated SQL pool that users can do something about: by number, and by their fixed words.

Microsoft's driver gives the server's text without the number (microsoft/mssql-python#581), so the words decide.
Numbers and classes: "Troubleshoot common connection errors" and the transient errors of Microsoft.Data.SqlClient.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Fault(NamedTuple):
    """What an error means to us: a code, a remedy, and whether the same statement may succeed soon."""

    code: str
    hint: str
    transient: bool = False
    unavailable: bool = False


_AGAIN = "Run it again in a while: a sync goes on where it stopped."
_RECONNECT = (
    "Check that the pool runs and can be reached, then run it again: a sync goes on where it stopped."
)
_GRANT = "Ask an administrator to run what `tailrace grants` prints."
CONFLICT = Fault(
    code="source_conflict", hint="Another transaction was in the way; run it again.", transient=True
)
BUSY = Fault(
    code="source_busy",
    hint="The pool is at a limit of its size. Run fewer queries at once, or scale it up.",
    transient=True,
    unavailable=True,
)
AWAY = Fault(code="source_unavailable", hint=_AGAIN, transient=True, unavailable=True)
LOST = Fault(code="source_unavailable", hint=_RECONNECT, transient=True, unavailable=True)
PAUSED = Fault(
    code="source_paused",
    hint="Resume it in the Azure portal, or with `az synapse sql pool resume`, then run this again: nothing is lost.",
    unavailable=True,
)
FIREWALL = Fault(
    code="source_firewall",
    hint="Add this machine's address to the server's firewall rules (it can take five minutes), or let its network in.",
)
LOGIN = Fault(
    code="source_unauthorized",
    hint="Check the source's `username` and `password`; with `entra`, whether that identity has a user in the pool "
    "(`tailrace grants` prints it).",
)
PERMISSION = Fault(code="source_permission", hint=_GRANT)
MISSING = Fault(code="source_missing", hint="Write schema.table, and check that the user may see it.")
MODEL = Fault(code="source_failed", hint="")
OURS = Fault(
    code="source_failed", hint="This should not happen; please report it with the statement from --debug."
)

FAULTS: dict[int, Fault] = {
    **dict.fromkeys((1204, 1205, 1222), CONFLICT),
    **dict.fromkeys((10928, 10929, 40501, 49918, 49919, 49920), BUSY),
    **dict.fromkeys((40143, 40197, 40540, 40613, 615, 926, 4221), AWAY),
    42109: Fault(
        code="source_unavailable",
        hint="The pool is starting; it takes a few minutes.",
        transient=True,
        unavailable=True,
    ),
    **dict.fromkeys((233, 997, 10053, 10054, 10060), LOST),
    **dict.fromkeys((42108, 40892), PAUSED),
    **dict.fromkeys((40615, 40914), FIREWALL),
    47073: Fault(
        code="source_firewall",
        hint="The server takes connections from private endpoints only: use one, or permit public access.",
    ),
    **dict.fromkeys((18456, 40531, 110003), LOGIN),
    4060: Fault(
        code="source_missing",
        hint="Check the source's `database`, and that its user exists in the pool: `tailrace grants` prints it.",
        transient=True,
    ),
    916: Fault(
        code="source_permission",
        hint="The login has no user in this pool: `tailrace grants` prints what adds it.",
    ),
    **dict.fromkeys((229, 262, 15151, 15247), PERMISSION),
    2760: Fault(code="source_permission", hint="The schema is missing, or not ours to use. " + _GRANT),
    208: MISSING,
    **dict.fromkeys((102, 105, 207, 156, 245, 241, 8114, 8115, 8134, 8120, 103010), MODEL),
    **dict.fromkeys(
        (104409, 104473), Fault(code="source_failed", hint="A dedicated SQL pool does not have this.")
    ),
    **dict.fromkeys((111212, 111214, 111233), OURS),
    110802: Fault(
        code="source_unavailable",
        hint="Data could not be moved between the pool's nodes. " + _AGAIN,
        transient=True,
        unavailable=True,
    ),
    40847: Fault(
        code="source_quota", hint="The server's quota of data warehouse units is used up: ask Azure for more."
    ),
    1105: Fault(
        code="source_disk_full", hint="The pool is out of space: scale it up, or drop what is not needed."
    ),
    701: Fault(code="source_memory", hint="Give its user a larger resource class, or scale the pool up."),
}

_WORDS: tuple[tuple[str, int], ...] = (
    # first those that quote values, which may say anything
    (r"Conversion failed when converting date and/or time", 241),
    (r"Conversion failed when converting", 245),
    (r"Error converting data type", 8114),
    (r"Arithmetic overflow error", 8115),
    (r"SQL pool since it is paused", 42108),
    (r"connect to database when it is paused", 40892),
    (r"SQL pool is warming up", 42109),
    (r"deadlocked on", 1205),
    (r"Lock request time out period exceeded", 1222),
    (r"cannot obtain a LOCK resource", 1204),
    (r"Client with IP address .* is not allowed to access the server", 40615),
    (r"Client is not allowed to access the server", 40914),
    (r"Deny Public Network Access is set to Yes", 47073),
    (r"Login failed for user|Login failed for token", 18456),
    (r"Server name cannot be determined", 40531),
    (r"Invalid user or password", 110003),
    (r"Cannot open database .* requested by the login", 4060),
    (r"is not able to access the database", 916),
    (r"permission was denied on the object|permission was denied on the (schema|database|column)", 229),
    (r"permission denied in database", 262),
    (r"either does not exist or you do not have permission to use it", 2760),
    (r"because it does not exist or you do not have permission", 15151),
    (r"User does not have permission to perform this action", 15247),
    (r"limit for the database is \d+ and has been reached", 10928),
    (r"minimum guarantee is", 10929),
    (r"Not enough resources to process request", 49918),
    (r"Too many create or update operations in progress", 49919),
    (r"Too many operations in progress", 49920),
    (r"The service is currently busy", 40501),
    (r"is not currently available", 40613),
    (r"The service has encountered an error processing your request", 40197),
    (r"Could not find database ID", 615),
    (r"It has been marked SUSPECT", 926),
    (r"Login to read-secondary failed due to long wait", 4221),
    (r"(Database (Throughput|Transaction)|Data Warehouse) Unit quota", 40847),
    (r"internal DMS error", 110802),
    (r"No process is on the other end of the pipe", 233),
    (r"forcibly closed|reset by peer", 10054),
    (r"software caused connection abort|software in your host machine", 10053),
    (r"Invalid object name", 208),
    (r"Invalid column name", 207),
    (r"Parse error at line", 103010),
    (r"Incorrect syntax near", 102),
    (r"Unclosed quotation mark", 105),
    (r"Divide by zero", 8134),
    (r"is invalid in the select list because it is not contained", 8120),
    (r"insufficient disk space|Could not allocate space", 1105),
    (r"insufficient system memory", 701),
)
_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), number) for pattern, number in _WORDS)
_PREFIX = re.compile(r"(?:^|[\s\]:])(?P<number>1\d{5});")
_PARENTHESES = re.compile(r"\((?P<number>\d{3,6})\)")
_NAMED = re.compile(r"(?:Error|Msg|Code)[:\s]+(?P<number>\d{3,6})\b", re.IGNORECASE)


def number_of(text: str) -> int | None:
    """The number of an error, from its text: `NNNNNN;…` of the engine, fixed words, `(NNNN)`."""
    if prefix := _PREFIX.search(text):
        return int(prefix["number"])
    for pattern, number in _PATTERNS:
        if pattern.search(text):
            return number
    for form in (_PARENTHESES, _NAMED):
        for found in form.finditer(text):
            if int(found["number"]) in FAULTS:
                return int(found["number"])
    return None
