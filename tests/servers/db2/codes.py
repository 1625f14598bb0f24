"""Derby's SQLSTATEs as Db2's SQLCODEs and SQLSTATEs."""

from __future__ import annotations

from dataclasses import replace

from tests.servers.db2.sqlca import Sqlca


def db2_result(found: Sqlca) -> Sqlca:
    """The result that Db2 gives where Derby gives this one."""
    if found.code == 10000 or found.state == "02000":
        return replace(found, code=100, state="02000", tokens=b"")
    return found if len(found.tokens) <= 70 else replace(found, tokens=found.tokens[:70])
