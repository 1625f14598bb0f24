"""What helps against each of Db2's errors, by SQLCODE (with its reason code), by the driver's code, by SQLSTATE."""

from __future__ import annotations

from typing import NamedTuple


class Advice(NamedTuple):
    """One of our error codes, and what to do; `{user}` stands for whom the message names."""

    code: str
    hint: str


NETWORK = (
    "Check that the server is up and reachable (`tailrace check` tries each step), then run it again: a sync goes "
    "on where it stopped."
)
_GRANTS = "Ask an administrator to run what `tailrace grants` prints."
_PAGE = (
    "A row of this table does not fit into the pages of any table space that this user may use. An administrator "
    "runs: CREATE BUFFERPOOL BP32K PAGESIZE 32K; CREATE TABLESPACE TS32K PAGESIZE 32K BUFFERPOOL BP32K; CREATE "
    "SYSTEM TEMPORARY TABLESPACE TEMP32K PAGESIZE 32K BUFFERPOOL BP32K; GRANT USE OF TABLESPACE TS32K TO USER "
    "{user}; of which the last is enough for a table space that is there already. For still wider rows: UPDATE DB CFG "
    "USING EXTENDED_ROW_SZ ENABLE. Or select fewer or narrower columns: CAST(note AS VARCHAR(500))."
)
_COLUMNS = (
    "A table of Db2 has at most 1,012 columns, on pages of 4 KB 500, and Tailrace needs ten of them: map fewer columns, "
    "or let an administrator make a table space with larger pages."
)
_SPACE = "Free or add space in the database's table spaces."
_CONFLICT = "Another transaction was in the way; run it again."
_CERTIFICATE = Advice(
    "source_tls_failed",
    "The server's certificate is not trusted or is for another name: `tailrace check` says which, and `tls.ca` "
    "names the file of the authority that signed it.",
)
_DIES = Advice("source_unavailable", NETWORK)

LOST = frozenset({-1224, -1776, -1222, -1229, -1023, -1024, -20_542, -20_157, -1642, -1643, -900})
"""SQLCODEs after which a connection is of no use, besides all -30xxx."""

LOST_CLI = frozenset({"CLI0106E", "CLI0108E", "CLI0116E", "CLI0119E", "CLI0120E", "CLI0125E", "CLI0600E"})
"""The driver's own messages after which a connection is of no use; others of it are about a statement or a value."""

ADVICE: dict[str, Advice] = {
    "-101": Advice(
        "source_row_width",
        "The statement is too long or too complex: map fewer columns, or an administrator raises STMTHEAP.",
    ),
    "-104": Advice("source_failed", "The SQL is not Db2's near the word that the message names."),
    "-117": Advice("source_failed", "Give as many values as there are columns."),
    "-180": Advice("source_failed", "A text is no date or time: cast only what is one, with CASE."),
    "-181": Advice(
        "source_failed", "A text is no date or time that exists: cast only what is one, with CASE."
    ),
    "-204": Advice(
        "source_missing",
        "Write SCHEMA.TABLE, and check that it exists: Db2 folds a name without quotes to upper case.",
    ),
    "-206": Advice(
        "source_missing", "There is no such column: Db2 folds a name without quotes to upper case."
    ),
    "-286": Advice("source_row_width", _PAGE),
    "-289": Advice("source_disk_full", _SPACE),
    "-302": Advice(
        "source_failed", "A value is too long for its column: cast it to a wider type in the model."
    ),
    "-406": Advice(
        "source_failed", "A number is too large for its column: cast it to a wider type in the model."
    ),
    "-407": Advice("source_failed", "A column that must not be NULL got one."),
    "-413": Advice(
        "source_failed", "A number is too large for its type: cast it to a wider one in the model."
    ),
    "-420": Advice("source_failed", "A text is no number or date: cast only what is one, with CASE."),
    "-433": Advice("source_failed", "A value is too long for its type: cast it to a wider one in the model."),
    "-440": Advice(
        "source_failed",
        "There is no function of that name for these types. If it is HASH: Db2 11.1 or later is needed.",
    ),
    "-551": Advice("source_permission", _GRANTS),
    "-552": Advice("source_permission", _GRANTS),
    "-553": Advice("source_permission", "This name is Db2's own: name another `schema`."),
    "-601": Advice(
        "source_exists", "Something else has that name: drop or rename it, or name another `schema`."
    ),
    "-668": Advice(
        "source_pending",
        "The table is in a pending state; an administrator runs: CALL SYSPROC.ADMIN_CMD('REORG TABLE name') for "
        "reason 7, or SET INTEGRITY, LOAD … TERMINATE or a backup, as the reason code says.",
    ),
    "-670": Advice("source_row_width", _PAGE),
    "-680": Advice("source_row_width", _COLUMNS),
    "-801": Advice("source_failed", "The SQL divides by zero: use NULLIF(divisor, 0)."),
    "-803": Advice("source_exists", "A row with this unique key is there already."),
    "-840": Advice("source_row_width", _COLUMNS),
    "-901": Advice(
        "source_failed",
        "An internal error of Db2 or its driver: run it again, and report it if it stays.",
    ),
    "-902": Advice("source_unavailable", "An internal error of Db2: look into its db2diag.log."),
    "-904": Advice("source_unavailable", "A resource of the database is not available; run it again later."),
    "-911": Advice("source_conflict", f"Deadlock or lock timeout. {_CONFLICT}"),
    "-912": Advice("source_conflict", "Too many locks: an administrator raises LOCKLIST and MAXLOCKS."),
    "-913": Advice("source_conflict", f"Deadlock or lock timeout. {_CONFLICT}"),
    "-930": Advice("source_memory", "The server is short of memory; lower its load or raise its limits."),
    "-952": Advice(
        "source_cancelled", "Somebody ended it on the server, or its workload management did; run it again."
    ),
    "-954": Advice("source_memory", "An administrator raises APPLHEAPSZ."),
    "-955": Advice("source_memory", "An administrator raises SORTHEAP or SHEAPTHRES_SHR."),
    "-956": Advice("source_memory", "An administrator raises the database heap (DBHEAP)."),
    "-964": Advice(
        "source_log_full",
        "Tailrace commits in small parts, but writes a plan at once, with every record that it will send: let the "
        "mapping's `where` take some of the model first. An administrator looks for a transaction that is open too "
        "long, or raises LOGSECOND, LOGPRIMARY or LOGFILSIZ: (LOGPRIMARY + LOGSECOND) * LOGFILSIZ * 4 KB must be well "
        "above the size of those records.",
    ),
    "-968": Advice("source_disk_full", "Free space on the server's disk."),
    "-969": Advice("source_failed", "The driver has no text for this error; its number says more."),
    "-1024": _DIES,
    "-1035": Advice("source_unavailable", "The database is in exclusive use; run it again later."),
    "-1040": Advice("source_unavailable", "The database has no free connection: raise MAXAPPLS."),
    "-1060": Advice("source_permission", "An administrator runs: GRANT CONNECT ON DATABASE TO USER {user};"),
    "-1092": Advice("source_permission", "This user has not the authority for that command."),
    "-1117": Advice(
        "source_unavailable", "The database is being rolled forward or restored; run it again later."
    ),
    "-1218": Advice("source_memory", "An administrator makes the buffer pool larger."),
    "-1224": Advice(
        "source_unavailable", "The database was stopped, or this connection forced off. " + NETWORK
    ),
    "-1226": Advice("source_unavailable", "The server has no free connection: raise MAX_COORDAGENTS."),
    "-1336": Advice(
        "source_unavailable", "Check the spelling of the source's `hostname`, and this machine's DNS."
    ),
    "-1337": Advice("source_unavailable", "Check the source's `port`."),
    "-1401": Advice(
        "source_unauthorized",
        "Server and client do not agree how to log in: set or remove `options: {AUTHENTICATION: …}`.",
    ),
    "-1403": Advice("source_unauthorized", "Check the source's `username` and `password`."),
    "-1404": Advice("source_unauthorized", "The password has expired: let an administrator set a new one."),
    "-1477": Advice(
        "source_damaged", "The table cannot be used any more: `tailrace reset` of its mapping makes it anew."
    ),
    "-1585": Advice("source_row_width", _PAGE),
    "-1598": Advice(
        "source_license", "Db2 for z/OS and i need a Db2 Connect licence, and are not supported."
    ),
    "-1776": Advice("source_unavailable", "This is a standby: connect to the primary."),
    "-10013": Advice(
        "source_tls_files",
        "If it speaks of GSKit: the file of `tls.ca` must be PEM, with the certificate of the authority.",
    ),
    "-20157": Advice(
        "source_unavailable", "The database is quiesced by its administrator; run it again later."
    ),
    "-20542": _DIES,
    "-20576": _CERTIFICATE,
    "-30040": Advice("source_unavailable", "The server is short of a resource; run it again later."),
    "-30060": Advice("source_permission", _GRANTS),
    "-30061": Advice("source_missing", "Check the source's `database`; on IBM Cloud it is usually `bludb`."),
    "-30080": _DIES,
    "-30081": Advice(
        "source_unavailable",
        "Check `hostname` and `port`, that the server runs, firewalls on the way, and whether that port speaks TLS: "
        "`tailrace check` tries each step. Then run it again: a sync goes on where it stopped.",
    ),
    "-30082": Advice("source_unauthorized", "Check the source's `username` and `password`."),
    "-30082/1": Advice(
        "source_unauthorized", "The password has expired: let an administrator set a new one."
    ),
    "-30082/15": Advice(
        "source_unauthorized", "The server could not check the login: look into its db2diag.log."
    ),
    "-30082/17": Advice(
        "source_unauthorized",
        "The server does not take the driver's way of sending the password; with TLS, `options: {AUTHENTICATION: "
        "SERVER}` sends it inside the encrypted connection.",
    ),
    "-30082/19": Advice(
        "source_unauthorized", "The account is disabled or locked: let an administrator look at it."
    ),
    "-30082/24": Advice("source_unauthorized", "Check the source's `username` and `password`."),
    "-30082/25": Advice(
        "source_unauthorized",
        "This user may not log in from here or now: an administrator looks at the server's rules for connections.",
    ),
    "-30082/36": Advice(
        "source_unauthorized",
        "The server's account is not set up to check logins: its administrator looks into db2diag.log.",
    ),
    "-30108": Advice("source_unavailable", "The connection was lost. " + NETWORK),
    "TLS": _CERTIFICATE,
    "CLI0106E": _DIES,
    "CLI0108E": _DIES,
    "CLI0118E": Advice(
        "source_failed", "The driver takes { and } outside of texts for its own: leave them away."
    ),
    "CLI0157E": Advice("source_tls_files", "The file of `tls.ca` must be PEM and readable for this user."),
    "42501": Advice("source_permission", _GRANTS),
    "42502": Advice("source_permission", _GRANTS),
    "40001": Advice("source_conflict", _CONFLICT),
    "57033": Advice("source_conflict", _CONFLICT),
}
