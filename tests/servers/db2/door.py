"""Who is let in: users, passwords and databases, as the relay knows them (Derby itself asks for nothing)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.servers.db2 import relay
from tests.servers.db2.relay import Command
from tests.servers.db2.sqlca import Sqlca
from tests.servers.db2.wire import Frame

if TYPE_CHECKING:
    from tests.servers.db2.database import Database
    from tests.servers.db2.session import Session

_ERROR = b"\0\x08"
WRONG_PASSWORD = 0x0F
REASONS = {
    "unsupported": 0x01,
    "failed": 0x0A,
    "expired": 0x0E,
    "wrong": 0x0F,
    "unknown": 0x13,
    "revoked": 0x14,
    "disallowed": 0x16,
}
"""DRDA's security check codes (SECCHKCD) by what is wrong with an account."""


@dataclass
class Account:
    """A user of the machine that Db2 runs on."""

    password: str
    problem: str = ""
    """One of REASONS, or nothing."""


class Door:
    """Checks who comes in."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.databases: dict[str, Database] = {}

    def answer(self, session: Session, command: Command) -> tuple[list[Frame], bool]:
        """The answers to ACCSEC, SECCHK and ACCRDB, and whether what follows is wanted."""
        if command.code == relay.SECCHK:
            problem = self._problem(session, command)
            if problem:
                return [_denied(command, problem)], False
        if command.code == relay.ACCRDB:
            closed = self._closed(session, command)
            if closed:
                return closed, False
        answers = session.ask(command.with_parameters(_derbys))
        if command.code == relay.ACCRDB and session.database is not None:
            answers = relay.introduced(answers, session.database.product)
        return answers, True

    def _problem(self, session: Session, command: Command) -> int:
        user = relay.decode_name(command.parameter(relay.USRID) or b"")
        password = (command.parameter(relay.PASSWORD) or b"").decode(errors="replace")
        session.user = session.schema = user.upper()
        account = self.accounts.get(user.upper())
        if account is None:
            return REASONS["unknown"]
        if account.problem:
            return REASONS[account.problem]
        return 0 if account.password == password else WRONG_PASSWORD

    def _closed(self, session: Session, command: Command) -> list[Frame]:
        raw = command.parameter(relay.RDBNAM) or b""
        database = self.databases.get(relay.decode_name(raw).upper())
        if database is None:
            return [relay.reply(command, relay.RDBNFNRM, (relay.SVRCOD, _ERROR), (relay.RDBNAM, raw))]
        session.database = database
        refused = database.refuses
        if not database.grants.has(session.user, "CONNECT"):
            refused = Sqlca.of(-1060, "08004", session.user)
        if refused is not None:
            return [
                relay.reply(command, relay.RDBAFLRM, (relay.SVRCOD, _ERROR), (relay.RDBNAM, raw)),
                relay.typed_card(command, refused),
            ]
        return []


def _denied(command: Command, reason: int) -> Frame:
    return relay.reply(command, relay.SECCHKRM, (relay.SVRCOD, _ERROR), (relay.SECCHKCD, bytes([reason])))


def _derbys(name: int, data: bytes) -> bytes:
    if name == relay.PRDID:
        return b"DNC10030"
    if name == relay.RDBNAM:
        return relay.recode_name(f"memory:{relay.decode_name(data).upper()}", like=data)
    return data
