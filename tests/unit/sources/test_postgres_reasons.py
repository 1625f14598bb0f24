"""Which of the several reasons of a failed login is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from tests.servers.postgres import free_port

from tailrace.sources.postgres.errors import connect_error

_AT = 'connection to server at "127.0.0.1", port 5432 failed'


def _told(text: str) -> str:
    parameters = {"host": "127.0.0.1", "port": free_port(), "connect_timeout": 5, "sslmode": "disable"}
    nobody: Any = SimpleNamespace(parameters=parameters)
    return connect_error(cast(Any, Exception(text)), nobody).message


def test_what_the_server_answered_goes_before_what_was_tried_after_it() -> None:
    tried = f'{_AT}: FATAL:  password authentication failed for user "u"\n{_AT}: server does not support SSL'
    assert _told(tried) == 'PostgreSQL: password authentication failed for user "u"'


def test_without_an_answer_the_last_attempt_is_told() -> None:
    assert "Connection refused" in _told(f"{_AT}: timeout expired\n{_AT}: Connection refused")
