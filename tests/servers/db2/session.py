"""One client's connection, command by command."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.servers.db2 import relay, sqlca
from tests.servers.db2.codes import db2_result
from tests.servers.db2.faults import LOG_FULL, Moment
from tests.servers.db2.relay import Command
from tests.servers.db2.results import Result
from tests.servers.db2.sqlca import Sqlca
from tests.servers.db2.statements import NOTHING, Statement, understand
from tests.servers.db2.tables import aliases, binary_names
from tests.servers.db2.tokens import literal
from tests.servers.db2.wire import REQUEST, Frame, LinkEnded, frame, join

if TYPE_CHECKING:
    from tests.servers.db2.database import Database
    from tests.servers.db2.server import Db2Server

_MOMENTS: dict[int, Moment] = {
    relay.PRPSQLSTT: "prepare",
    relay.EXCSQLIMM: "statement",
    relay.EXCSQLSTT: "statement",
    relay.EXCSQLSET: "statement",
    relay.OPNQRY: "statement",
    relay.CNTQRY: "fetch",
    relay.RDBCMM: "commit",
    relay.RDBRLLBCK: "rollback",
}
_TEXTS = (relay.PRPSQLSTT, relay.EXCSQLIMM, relay.EXCSQLSET)
_RUNS = (relay.EXCSQLIMM, relay.EXCSQLSTT, relay.EXCSQLSET, relay.OPNQRY)
_ROLLED_BACK = (-911, -964)
"""Results after which nothing of the unit of work is left (of -964, IBM says so where max_log is set)."""


class Dropped(Exception):
    """A fault ends the connection."""


class Session:
    """Takes a client's chains and gives the answers; one thread uses it."""

    def __init__(self, server: Db2Server, client: socket.socket) -> None:
        self._server = server
        self._client = client
        derby = socket.create_connection(("127.0.0.1", server.engine.port))
        self._upstream = relay.Upstream(derby, client, server.engine.cancel)
        self._sections: dict[bytes, Statement] = {}
        self._last = ""
        self._in_unit = False
        self._rows = 0
        self._binary: frozenset[str] = frozenset()
        self._mismatch = False
        self._altered: list[tuple[str, str]] = []
        self.database: Database | None = None
        self.user = ""
        self.schema = ""

    def run(self) -> None:
        """Serve the client until it or a fault ends the connection."""
        try:
            for chain in relay.chains(self._client):
                answers = self._answer(relay.commands(chain))
                self._client.sendall(b"".join(part.raw for part in relay.chained(answers)))
        except (LinkEnded, Dropped, OSError):
            pass
        finally:
            self._upstream.close()
            self.close()
            self._client.close()

    def ask(self, command: Command) -> list[Frame]:
        """What Derby answers to a command."""
        return self._ask(command, None)

    def close(self) -> None:
        """End the connection, from any thread."""
        with suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)

    def _answer(self, wanted: list[Command]) -> list[Frame]:
        answers: list[Frame] = []
        for command in wanted:
            found, goes_on = self._one(command)
            answers += found
            if not goes_on:
                break
        return answers

    def _one(self, command: Command) -> tuple[list[Frame], bool]:
        """The answers to one command, and whether what is chained to it runs."""
        code = command.code
        if code in (relay.ACCSEC, relay.SECCHK, relay.ACCRDB):
            return self._server.door.answer(self, command)
        statement = self._statement(command)
        if statement is not None and statement.refused is not None and code in (*_TEXTS, *_RUNS):
            return self._refusal(command, statement.refused), command.goes_on
        if (result := self._result(command, statement)) is not None:
            return result.answers(command), True
        moment = _MOMENTS.get(code)
        fault = (
            self._server.faults.take(moment, statement.text if statement else self._last) if moment else None
        )
        if fault is None:
            return self._run_apart(command, statement)
        if fault.deed == "drop_before":
            raise Dropped
        if fault.deed == "slow":
            self._upstream.rest(fault.seconds)
        if fault.deed == "fail" and fault.result is not None:
            return self._refusal(command, fault.result), command.goes_on
        done = self._run_apart(command, statement)
        if fault.deed == "drop_after":
            raise Dropped
        return done

    def _result(self, command: Command, statement: Statement | None) -> Result | None:
        """The result of our own that a command is about."""
        if command.code == relay.DSCSQLSTT:
            statement = self._sections.get(command.parameter(relay.PKGNAMCSN) or b"")
        if statement is None:
            return None
        return next((each for each in self._server.results if each.fits(statement.text)), None)

    # -- statements

    def _statement(self, command: Command) -> Statement | None:
        """The statement that a command is about; a text that comes with it is looked at once."""
        if command.code not in (*_TEXTS, *_RUNS):
            return None
        section = command.parameter(relay.PKGNAMCSN) or b""
        text = command.text
        if text is None and command.called is not None:
            name, argument = command.called
            statement = understand(f"CALL {name}({literal(argument)})", self.schema, self.user)
        elif text is None:
            statement = self._sections.get(section)
        else:
            statement = understand(text, self.schema, self.user)
            if "FOR BIT DATA" in text.upper():
                self._binary |= binary_names(text)
            if command.code == relay.PRPSQLSTT:
                self._sections[section] = statement
        if statement is not None:
            if command.code in _RUNS:
                self._last = statement.text
                self._server.statements.append(statement.text)
            if self.database is not None and statement.refused is None:
                refused = self.database.refusal(statement, self.user, in_unit=self._in_unit)
                statement = statement if refused is None else _refused(statement, refused)
        return statement

    def _refusal(self, command: Command, result: Sqlca) -> list[Frame]:
        if result.code in _ROLLED_BACK:
            self._roll_back()
        answers: list[Frame] = []
        if command.code == relay.OPNQRY:
            answers.append(relay.reply(command, relay.OPNQFLRM, (relay.SVRCOD, b"\0\x08")))
        return [*answers, relay.card(command, result)]

    def _roll_back(self) -> None:
        self._upstream.ask(Command((frame(REQUEST, 1, join(relay.RDBRLLBCK, b"")),)))
        self._ended(committed=False)

    def _ended(self, *, committed: bool) -> None:
        """A unit of work is over."""
        if committed and self.database is not None:
            self.database.reorganize |= set(self._altered)
        self._altered.clear()
        self._in_unit = False
        self._rows = 0

    def _run_apart(self, command: Command, statement: Statement | None) -> tuple[list[Frame], bool]:
        """Run a command; tables that it reads again and again are made first, unless Derby cannot make them."""
        parts = statement.apart if statement else None
        if statement is None or parts is None or command.code != relay.EXCSQLIMM:
            return self._run(command, statement)
        failed = self._first_failure(command, parts.makes())
        if failed is None:
            failed = self._first_failure(command, parts.fills())
            statement.derby = parts.derby
        elif failed.code not in _ROLLED_BACK:
            failed = None
        if failed is not None:
            return self._refusal(command, failed), command.goes_on
        done = self._run(command, statement)
        for sql in parts.drops():
            self._extra(command, sql)
        return done

    def _run(self, command: Command, statement: Statement | None) -> tuple[list[Frame], bool]:
        if command.code == relay.DSCSQLSTT:
            command = command.with_parameters(lambda name, data: None if name == relay.QRYINSID else data)
        if statement is None:
            answers = self._ask(command, None)
            if command.code in (relay.RDBCMM, relay.RDBRLLBCK):
                self._ended(committed=command.code == relay.RDBCMM)
            return answers, True
        if command.called is not None and statement.derby == NOTHING:
            section = command.parameter(relay.PKGNAMCSN) or b""
            command = relay.immediate(section, NOTHING, command.correlation)
        elif command.text is not None:
            command = command.with_text(statement.derby)
        runs = command.code in _RUNS
        for extra in statement.before if runs else ():
            self._extra(command, extra)
        answers = self._ask(command, statement)
        if self._mismatch and not statement.binary and command.text is not None and self.database is not None:
            names = aliases(statement.text, self._binary | self.database.binary())
            again = understand(statement.text, statement.schema, self.user, names)
            statement.binary, statement.derby = names, again.derby
            answers = self._ask(command.with_text(again.derby), statement)
        result = _worst(answers)
        if runs and result is None and statement.after:
            result = self._first_failure(command, statement.after)
            if result is not None:
                return self._refusal(command, result), command.goes_on
        if runs:
            self._in_unit = self._in_unit or command.code != relay.OPNQRY
            if result is None:
                self._note(statement)
            if self._log_is_full(statement, answers):
                return self._refusal(command, LOG_FULL), command.goes_on
        return answers, command.goes_on or result is None or command.code != relay.PRPSQLSTT

    def _ask(self, command: Command, statement: Statement | None) -> list[Frame]:
        text = statement.text if statement else self._last
        forgives = statement.forgives if statement else None
        self._mismatch = False

        def change(found: Sqlca) -> Sqlca:
            self._mismatch = self._mismatch or (found.state == "42821" and b"BIT DATA" in found.tokens)
            result = db2_result(found, text, self.schema)
            if result.code == forgives:
                return Sqlca.of(0, "00000")
            if result.code in _ROLLED_BACK:
                self._ended(committed=False)
            return result

        if self.database is not None:
            command = command.to(f"memory:{self.database.name}")
        return relay.results(relay.repaired(self._upstream.ask(command)), change)

    def _extra(self, command: Command, sql: str) -> Sqlca | None:
        """Run a statement of our own beside the client's; what is wrong with it."""
        section = command.parameter(relay.PKGNAMCSN) or b""
        return _worst(self._ask(relay.immediate(section, sql), None))

    def _first_failure(self, command: Command, statements: list[str]) -> Sqlca | None:
        return next(filter(None, (self._extra(command, sql) for sql in statements)), None)

    def _log_is_full(self, statement: Statement, answers: list[Frame]) -> bool:
        """Whether a unit of work changed more rows than the log takes; tables of the session are not logged."""
        limit = self.database.log_rows if self.database else None
        if limit is None or (statement.writes and statement.writes[0] == "SESSION"):
            return False
        for part in answers:
            if part.code_point == relay.SQLCARD:
                found, _ = sqlca.parse(part.objects()[0][1])
                self._rows += found.rows if found and found.code == 0 else 0
        return self._rows > limit

    def _note(self, statement: Statement) -> None:
        """Keep the stand-in's own books after a statement succeeded."""
        what, *names = statement.effect or ("",)
        if what == "schema":
            self.schema = names[0]
        elif what == "altered":
            self._altered.append((names[0], names[1]))
        elif what and self.database is not None:
            self.database.note(self.user, what, names)


def _refused(statement: Statement, result: Sqlca) -> Statement:
    return Statement(statement.text, statement.derby, statement.schema, refused=result)


def _worst(answers: list[Frame]) -> Sqlca | None:
    """The error among some answers."""
    for part in answers:
        if part.code_point == relay.SQLCARD:
            found, _ = sqlca.parse(part.objects()[0][1])
            if found is not None and found.code < 0:
                return found
    return None
