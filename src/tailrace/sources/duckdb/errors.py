"""DuckDB's errors in our words."""

from __future__ import annotations

import re
from typing import NoReturn

from tailrace.errors import Cancelled, ModelError, SourceError
from tailrace.spec.suggest import closest

_HOLDER = re.compile(r"Conflicting lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")
_LOCK = ("Could not set lock on file", "Unique file handle conflict", "different configuration")


def is_lock_conflict(error: BaseException) -> bool:
    """Whether somebody else has the file open, so that waiting may help."""
    return any(text in str(error) for text in _LOCK)


def in_use(file: object, error: BaseException) -> str:
    """Who has a locked file open, where DuckDB says so."""
    holder = _HOLDER.search(str(error))
    who = f"process {holder['pid']} ({holder['program']})" if holder else "another connection of this process"
    return f"{file} is in use by {who}"


def lock_error(file: object, error: BaseException, waited: float) -> SourceError:
    """The error of a file that stayed locked."""
    return SourceError(
        f"{in_use(file, error)}; waited {waited:.0f} s for it",
        hint="DuckDB lets one process write to a file. End that process or its connection, then try again.",
        code="source_locked",
    )


_MISTAKES = ("ParserException", "BinderException", "CatalogException", "SyntaxException")


def is_users_mistake(error: BaseException) -> bool:
    """Whether DuckDB refused to understand a statement, rather than failed to run it."""
    return type(error).__name__ in _MISTAKES or "Values were not provided" in str(error)


_GUESS = re.compile(
    r'Table with name (?P<name>\S+) does not exist!(?P<guess>\nDid you mean "(?P<meant>[^"]+)"\?)'
)


def model_error(error: BaseException) -> ModelError:
    """A statement of the user's that DuckDB cannot understand, in DuckDB's words and with its place.

    A table that it guesses is left out unless it is close: for want of others it names its own, as `pg_enum`.
    """
    text = str(error).strip().split("\n\nLINE", 1)[0]
    guess = _GUESS.search(text)
    if guess and closest(guess["name"], [guess["meant"].rpartition(".")[2]]) is None:
        text = text.replace(guess["guess"], "")
    return ModelError(f"DuckDB: {text}", hint="Correct the model's SQL.", code="model_invalid")


# What the system says of a write that it refuses. DuckDB calls a commit that failed so a TransactionContext Error, as it
# does a conflict.
_FULL = ("No space left on device", "Disk quota exceeded", "File too large")
_FORBIDDEN = ("Permission denied", "Read-only file system", "read-only mode")


def raise_ours(error: BaseException, *, cancelled: bool = False) -> NoReturn:
    """Raise what DuckDB or Arrow reported as one of our errors."""
    text = str(error).strip()
    first = text.split("\n\n", 1)[0]
    if "INTERRUPT Error" in text:
        if cancelled:
            raise Cancelled("the statement was cancelled") from error
        raise SourceError("the statement was interrupted", code="source_cancelled") from error
    if any(words in text for words in _FULL):
        raise SourceError(
            f"DuckDB: {first}", hint="Free space on the disk of the state file.", code="source_disk_full"
        ) from error
    if any(words in text for words in _FORBIDDEN):
        raise SourceError(
            f"DuckDB: {first}",
            hint="Check who may read and write the file, and make files beside it.",
            code="source_permission",
        ) from error
    if "Conflict on" in text or "TransactionContext Error" in text or "write-write conflict" in text:
        raise SourceError(
            f"DuckDB: {first}",
            hint="Another transaction changed the same rows first.",
            code="source_conflict",
        ) from error
    if "Out of Memory Error" in text:
        if "temp_directory" in text or "max_temp_directory_size" in text:
            hint = "Free space where `temp_directory` points, or raise the source's `memory_limit`."
        else:
            hint = "Raise the source's `memory_limit`."
        raise SourceError(f"DuckDB: {first}", hint=hint, code="source_memory") from error
    hint = "Check `path` and `state_path`." if "not a valid DuckDB database" in text else ""
    raise SourceError(f"DuckDB: {text}", hint=hint, code="source_failed") from error
