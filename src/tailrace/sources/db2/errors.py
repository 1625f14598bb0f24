"""Db2's errors in our words, told apart by SQLCODE.

The numbers and what they mean: https://www.ibm.com/docs/en/db2/11.5?topic=messages-sql
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tailrace.errors import Cancelled, ModelError, SourceError, SourceUnavailable, TailraceError
from tailrace.sources.db2.advice import ADVICE, LOST, LOST_CLI, NETWORK, Advice
from tailrace.sources.db2.wire import Failure

_CODE = re.compile(r"SQLCODE=(-?\d+)")
_STATE = re.compile(r"SQLSTATE=(\w{5})")
_MESSAGE = re.compile(r"\b(SQL|CLI)(\d{4,5})([NEWC])\s+(.*)", re.DOTALL)
_REASON = re.compile(r"reason (?:code )?\"?(\d+)\"?")
_PREFIX = re.compile(r"^.*?(?=\[IBM\])|\[[^\]]*\]\s*", re.DOTALL)
_PRIVILEGE = re.compile(
    r'ID:? +"(?P<user>[^"]+)".*?operation:? +"(?P<operation>[^"]+)".*?object:? +"(?P<object>[^"]+)"',
    re.IGNORECASE,
)
_AUTHORITY = re.compile(
    r'"(?P<user>[^"]*\S) *" does not have the privilege to perform operation "CREATE TABLE *"'
)
_USER = re.compile(r'\b(?:user|authorization id):? +"(?P<user>[^"]*\S) *"', re.IGNORECASE)
_HANDSHAKE = "sqlccSSLSocketSetup"
"""The driver's function that fails while TLS is being agreed on; those that read and write fail later."""

_MODEL_STATES = ("42", "22", "21", "0A", "07", "56")


@dataclass(frozen=True, slots=True)
class Problem:
    """What the driver said: Db2's own code and state, the driver's, and the text without its wrapping."""

    code: int
    """SQLCODE; 0 where there is none."""
    state: str
    cli: str
    """The driver's own message, such as `CLI0108E`; empty for a message of the server."""
    text: str
    crashed: bool = False
    """The driver broke its promises to Python: nothing of this connection can be trusted."""

    @property
    def reason(self) -> str:
        """The reason code in the text, where there is one."""
        found = _REASON.search(self.text)
        return found[1] if found else ""

    @property
    def lost(self) -> bool:
        """Whether the connection is dead."""
        return (
            self.crashed
            or self.code in LOST
            or -30_999 <= self.code <= -30_000
            or self.cli in LOST_CLI
            or self.state.startswith("08")
            or self.state == "40003"
        )


def problem_of(failure: Failure) -> Problem:
    """Take apart what the driver raised; whatever it looks like, something comes out."""
    text = " ".join(failure.text.split())
    code, state = _CODE.search(text), _STATE.search(text)
    said = _MESSAGE.search(text)
    number = int(code[1]) if code else 0
    if not code and said and said[1] == "SQL":
        number = -int(said[2])
    cli = f"CLI{said[2]}{said[3]}" if said and said[1] == "CLI" else ""
    shown = _PREFIX.sub("", text) if "[IBM]" in text else text
    shown = _CODE.sub("", _STATE.sub("", shown)).strip()
    return Problem(
        code=0 if number == -99_999 else number,
        state=state[1] if state else failure.state,
        cli=cli,
        text=f"{shown} (SQLCODE {number})" if number and number != -99_999 else shown or failure.kind,
        crashed=failure.kind == "SystemError",
    )


def ours(problem: Problem) -> TailraceError:
    """The problem as one of our errors, with what helps."""
    advice = _missing_grant(problem) or _advice(problem)
    text = f"Db2: {problem.text}"
    if advice is None:
        if problem.lost:
            return SourceUnavailable(text, hint=NETWORK)
        return SourceError(text, code="source_failed")
    kind = SourceUnavailable if advice.code == "source_unavailable" else SourceError
    return kind(text, hint=advice.hint, code=advice.code)


def _missing_grant(problem: Problem) -> Advice | None:
    """The one grant that Db2 itself names."""
    if problem.code == -552 and (found := _AUTHORITY.search(problem.text)):
        return _granted("CREATETAB ON DATABASE", found["user"])
    found = _PRIVILEGE.search(problem.text) if problem.code == -551 else None
    if found is None or found["operation"] not in ("SELECT", "INSERT", "UPDATE", "DELETE"):
        return None
    schema, _, table = found["object"].partition(".")
    return _granted(f'{found["operation"]} ON TABLE "{schema.strip()}"."{table}"', found["user"].strip())


def _granted(what: str, user: str) -> Advice:
    return Advice(
        "source_permission",
        f'An administrator runs: GRANT {what} TO USER "{user}"; (`tailrace grants` prints all that is needed)',
    )


def _advice(problem: Problem) -> Advice | None:
    exact = ADVICE.get(f"{problem.code}/{problem.reason}") if problem.reason else None
    if problem.code == -30_081 and _HANDSHAKE in problem.text:
        exact = ADVICE["TLS"]
    found = exact or ADVICE.get(str(problem.code)) or ADVICE.get(problem.cli) or ADVICE.get(problem.state)
    named = _USER.search(problem.text)
    user = f'"{named["user"]}"' if named else "name"
    return found and found._replace(hint=found.hint.replace("{user}", user))


def model_error(problem: Problem) -> ModelError | None:
    """The problem as the user's mistake in a model's SQL, if that is what it is."""
    if (
        problem.lost
        or not problem.state.startswith(_MODEL_STATES)
        or problem.state in ("42501", "42502", "42602")
    ):
        return None
    if problem.state == "42727":
        return None
    hint = advice.hint if (advice := _advice(problem)) and advice.code != "source_failed" else ""
    return ModelError(f"Db2: {problem.text}", hint=hint or "Correct the model's SQL.", code="model_invalid")


def crashed(status: int | None) -> SourceUnavailable:
    """The child process ended without an answer."""
    how = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
    return SourceUnavailable(
        f"IBM's driver for Db2 ended unexpectedly ({how}), and the connection with it",
        hint="Run it again: a sync goes on where it stopped. If it happens each time, report it with the version "
        "of ibm_db.",
    )


def cancelled() -> Cancelled:
    """The user cancelled a statement."""
    return Cancelled("the statement was cancelled")


def late(seconds: float, what: str) -> SourceUnavailable:
    """A call that is no statement of the user's did not end in time."""
    return SourceUnavailable(
        f"Db2 did not answer within {seconds:g} s ({what}); the connection was given up",
        hint="Check that the server runs and that nothing on the way drops idle connections, then run it again: "
        "a sync goes on where it stopped.",
    )
