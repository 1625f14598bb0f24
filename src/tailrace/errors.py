"""The one error tree: every error has a stable code, says what is wrong and where, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Where:
    """The place an error speaks of: a file and line, a field, a check, or a table."""

    file: str | None = None
    line: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.file and self.line else (self.file or "")
        return " ".join(part for part in (place, self.field or "") if part)


class TailraceError(Exception):
    """Something went wrong that the user can understand and act upon."""

    code = "error"
    exit_code = 1

    def __init__(
        self, message: str, *, hint: str = "", where: Where | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where
        self.code = code or type(self).code

    def document(self) -> dict[str, object]:
        """The error as users of `--json` see it: code, message, hint and where."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "where": str(self.where) if self.where else None,
        }


class SeveralErrors(TailraceError):
    """What kept several mappings from their turn, the worst first: code, hint and place are those of that one."""

    def __init__(self, errors: list[TailraceError]) -> None:
        first = errors[0]
        super().__init__(first.message, hint=first.hint, where=first.where, code=first.code)
        self.exit_code = first.exit_code
        self.errors = errors


class ConfigError(TailraceError):
    """The files or the command line ask for something that cannot be done."""

    code = "config_invalid"
    exit_code = 2


class ConfigErrors(ConfigError):
    """Several configuration errors, found in one reading of the files."""

    def __init__(self, errors: list[ConfigError]) -> None:
        first = errors[0]
        super().__init__(first.message, hint=first.hint, where=first.where, code=first.code)
        self.errors = errors


class SourceError(TailraceError):
    """The warehouse refused or could not do what was asked."""

    code = "source_failed"


class SourceUnavailable(SourceError):
    """The warehouse could not be reached, or the connection was lost."""

    code = "source_unavailable"


class ModelError(ConfigError):
    """The model cannot be used: its SQL, its unique identifier or its size."""

    code = "model_invalid"


class StateError(TailraceError):
    """The managed schema does not hold what the protocol promises."""

    code = "state_damaged"
    exit_code = 4


class StoreError(TailraceError):
    """The control store cannot be opened, read or written."""

    code = "store_unusable"


class LeaseHeld(TailraceError):
    """Another sync of the same mapping is running."""

    code = "lease_held"
    exit_code = 5


class FenceLost(TailraceError):
    """Another process took this mapping over; this one must stop writing."""

    code = "fence_lost"
    exit_code = 5


class Blocked(TailraceError):
    """A guard stopped the sync before anything was sent (or sending went wrong on a large scale)."""

    code = "guard"
    exit_code = 4


class DestinationError(TailraceError):
    """The destination cannot be used as configured; sending stopped."""

    code = "destination_failed"


class AuthError(DestinationError):
    """The destination refused the credentials."""

    code = "destination_unauthorized"


class Cancelled(TailraceError):
    """The user cancelled."""

    code = "cancelled"
    exit_code = 130
