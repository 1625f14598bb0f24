"""What an answer, or the lack of one, means for the records of a request: R20 and R22 as a function."""

from __future__ import annotations

from typing import Literal, NamedTuple

from tailrace.destinations.define import Answer

Decision = Literal[
    "accepted", "retry", "refused", "too_large", "unauthorized", "wrong_address", "redirected", "tls"
]


class NotSent(Exception):
    """The request never left: no connection could be made.

    Reasons: `connection_refused`, `dns`, `connect_timeout`, `tls`, `unreachable`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class MaybeApplied(Exception):
    """The request may have left, and no whole answer came back.

    Reasons: `timeout`, `reset`, `cut_short`, `malformed`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Verdict(NamedTuple):
    """What to do with the records of a request."""

    decision: Decision
    applied: bool
    """They may have been applied by this attempt."""
    reason: str
    message: str
    limited: bool = False
    """The whole account is asked to slow down."""


_RECORD = frozenset({400, 409, 422})
_ADDRESS = frozenset({404, 405, 410, 415, 501})
_AGAIN_NOT_APPLIED = frozenset({423, 425, 429})


def judge(
    event: Answer | NotSent | MaybeApplied, *, deletes_alone: bool, succeeded: bool, maybe_applied: bool
) -> Verdict:
    """The verdict; `succeeded`: this sync had a success before, `maybe_applied`: by an earlier attempt."""
    if isinstance(event, NotSent):
        return Verdict("tls" if event.reason == "tls" else "retry", False, event.reason, event.message)
    if isinstance(event, MaybeApplied):
        return Verdict("retry", True, event.reason, event.message)
    status = event.status
    reason, message = f"http_{status}", f"The destination answered {status}."
    if 200 <= status < 300:
        if event.complete:
            return Verdict("accepted", True, reason, message)
        return Verdict("retry", True, "cut_short", f"The answer {status} was cut short or too long to read.")
    if 300 <= status < 400:
        return Verdict("redirected", False, reason, f"The destination answered {status}, a redirect.")
    if status in (401, 403):
        return Verdict("unauthorized", False, reason, message)
    if status == 413:
        return Verdict("too_large", False, reason, message)
    if status in _AGAIN_NOT_APPLIED:
        return Verdict("retry", False, reason, message, limited=status == 429)
    if status == 409 and maybe_applied:
        return Verdict(
            "retry", True, reason, f"{message} An earlier attempt may still be at work, or have succeeded."
        )
    if status in (404, 410) and deletes_alone:
        return Verdict("accepted", False, reason, message)
    if status in _ADDRESS and not succeeded:
        return Verdict("wrong_address", False, reason, message)
    if status in _RECORD or status in _ADDRESS or (400 <= status < 500 and status != 408):
        return Verdict("refused", False, reason, message)
    return Verdict("retry", True, reason, message)
