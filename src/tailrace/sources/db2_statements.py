"""Statements that Db2 has not: several as one text, and some whose failure is no error.

The dialect writes them, the session runs them step by step. As text they are still SQL that can be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_NEXT = "\n;-- then\n"
_TOLERANT = re.compile(r"/\* unless (?P<states>\w{5}(?: \w{5})*) \*/ ")


def together(*statements: str) -> str:
    """Several statements as one text, to be run one after the other."""
    return _NEXT.join(statements)


def unless(statement: str, *states: str) -> str:
    """A statement that has nothing to do where it fails with one of these SQLSTATEs."""
    return f"/* unless {' '.join(states)} */ {statement}"


def steps(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each statement with the SQLSTATEs that are no error."""
    for statement in text.split(_NEXT):
        match = _TOLERANT.match(statement)
        yield (
            (statement[match.end() :], frozenset(match["states"].split()))
            if match
            else (statement, frozenset())
        )
