"""Driver keywords that users may set for a Db2 source, and what no value of a connection string may contain."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_UNSAFE = re.compile(r"[;{}\x00-\x1f\x7f]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_#@$]{0,127}")
_TEXT = re.compile(r"[A-Za-z0-9 ._\-/:@]{1,255}")


def _number(least: int, most: int) -> Callable[[str], str | None]:
    def check(value: str) -> str | None:
        if value.isascii() and value.isdigit() and least <= int(value) <= most:
            return None
        return f"must be a whole number from {least} to {most}"

    return check


def _one_of(*words: str) -> Callable[[str], str | None]:
    def check(value: str) -> str | None:
        return None if value.upper() in words else f"must be one of {', '.join(words)}"

    return check


def _matches(pattern: re.Pattern[str], what: str) -> Callable[[str], str | None]:
    def check(value: str) -> str | None:
        return None if pattern.fullmatch(value) else f"must be {what}"

    return check


ALLOWED: dict[str, Callable[[str], str | None]] = {
    "ARRAYINPUTCHAIN": _number(-1, 1_000_000),
    "AUTHENTICATION": _one_of("SERVER", "SERVER_ENCRYPT", "SERVER_ENCRYPT_AES", "DATA_ENCRYPT"),
    "BLOCKFORNROWS": _number(0, 1_000_000),
    "CLIENTACCTSTR": _matches(_TEXT, "plain text"),
    "CLIENTAPPLNAME": _matches(_TEXT, "plain text"),
    "CLIENTWRKSTNNAME": _matches(_TEXT, "plain text"),
    "CURRENTSCHEMA": _matches(_NAME, "the name of a schema"),
    "FETCHBUFFERSIZE": _number(0, 64 * 1024 * 1024),
    "KEEPALIVETIMEOUT": _number(1, 32_768),
    "PARAMOPTATOMIC": _number(0, 1),
    "PROGRAMNAME": _matches(_TEXT, "plain text"),
    "TLSVERSION": _one_of("TLSV12", "TLSV13", "TLSV12,TLSV13"),
}
"""Keywords of IBM's CLI driver that change neither whom it talks to, nor what is sent, nor what it means.

What each does: https://www.ibm.com/docs/en/db2/11.5?topic=file-clicfg-initialization-keywords
"""


def unsafe(value: str) -> str | None:
    """Why a value cannot stand in a connection string; None where it can.

    The driver has no dependable way to quote `;`, `{` and `}`, so a value with one could add keywords of its own.
    """
    if found := _UNSAFE.search(value):
        shown = found[0] if found[0].isprintable() else "a control character"
        return f"must not contain {shown}: IBM's driver would take what follows for a keyword"
    if value != value.strip():
        return "must not begin or end with a blank: IBM's driver would drop it"
    return None


def checked_options(options: Mapping[str, object]) -> dict[str, str]:
    """The keywords in upper case with their values as text. Raises ValueError for one that is not allowed."""
    found: dict[str, str] = {}
    for keyword, given in options.items():
        name = keyword.upper()
        check = ALLOWED.get(name)
        if check is None:
            raise ValueError(
                f"the driver keyword {keyword[:60]!r} is not allowed; allowed are {', '.join(ALLOWED)}"
            )
        if name in found:
            raise ValueError(f"the driver keyword {name} is given twice")
        value = str(given).upper() if isinstance(given, bool) else str(given)
        if problem := unsafe(value) or check(value):
            raise ValueError(f"the driver keyword {name} {problem}")
        found[name] = value
    return found
