"""Names as Db2 stores them and as Tailrace shows them: what Db2 folded to upper case is lower case for us."""

from __future__ import annotations

FOLDED = "TAILRACE_NAME"
"""A result column of this name holds names as Db2 stores them; a session shows them as ours."""


def swapped(name: str) -> str:
    """Our name of a Db2 name, and the other way round.

    Db2 folds a name without quotes to upper case, so that `SELECT id` gives `ID`; for users it is `id`. Names with
    letters of both cases stay as they are, as do those with letters beyond ASCII, whose cases are no pairs.
    """
    if name.isascii() and (name.islower() or name.isupper()):
        return name.swapcase()
    return name
