"""What people see when something is wrong: what, where, what to do; no traceback unless asked for."""

from __future__ import annotations

from collections.abc import Callable

from tests.unit.cli.conftest import Ended
from tests.unit.cli.workspaces import FakeWorkspace

from tailrace.errors import ConfigError, ConfigErrors, TailraceError, Where

Run = Callable[..., Ended]


def test_a_mistyped_command_or_mapping_is_answered_with_the_near_one(tailrace: Run) -> None:
    assert "Did you mean 'sync'" in tailrace("snyc").err
    ended = tailrace("sync", "customer_to_crm")
    assert "no mapping named 'customer_to_crm'" in ended.err
    assert "Did you mean `customers_to_crm`?" in ended.err
    assert tailrace("why", "orders-to-crm", "1", "--json").json["error"]["code"] == "mapping_unknown"


def test_every_mistake_in_the_files_is_shown_with_its_place(tailrace: Run, fake: type[FakeWorkspace]) -> None:
    first = ConfigError(
        "no such model 'customer'", hint="Did you mean `customers`?", where=Where("tailrace.yml", 12)
    )
    fake.open_error = ConfigErrors([first, ConfigError("url is missing", where=Where("tailrace.yml", 20))])
    ended = tailrace("plan")
    assert ended.code == 2
    assert "error: tailrace.yml:12: no such model 'customer'\n  Did you mean `customers`?" in ended.err
    assert "error: tailrace.yml:20: url is missing" in ended.err
    assert "2 problems" in ended.err


def test_a_defect_of_ours_shows_no_traceback_unless_asked(tailrace: Run, fake: type[FakeWorkspace]) -> None:
    fake.defect = ZeroDivisionError("division by zero")
    ended = tailrace("sync")
    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert "an unexpected ZeroDivisionError: division by zero" in ended.err
    assert "--debug" in ended.err
    assert tailrace("sync", "--json").json["error"]["code"] == "internal"


def test_a_traceback_has_frames_but_no_local_variables(tailrace: Run, fake: type[FakeWorkspace]) -> None:
    fake.defect = ZeroDivisionError("division by zero")
    for words in (["--debug", "sync"], ["sync", "--debug"]):
        ended = tailrace(*words)
        assert "Traceback" in ended.err
        assert "ValueError: inner 7" in ended.err
        assert "hunter2" not in ended.err


def test_text_from_elsewhere_cannot_drive_the_terminal(tailrace: Run, fake: type[FakeWorkspace]) -> None:
    fake.open_error = TailraceError("bad \x1b[2J [red]value[/red] \u202egpj", hint="\x07")
    ended = tailrace("plan")
    assert "\x1b" not in ended.err
    assert "\x07" not in ended.err
    assert "\u202e" not in ended.err
    assert "[red]value[/red]" in ended.err


def test_a_long_hint_is_printed_without_trailing_spaces(tailrace: Run, fake: type[FakeWorkspace]) -> None:
    fake.open_error = TailraceError("wrong", hint="Filters: " + ", ".join(["lower"] * 40))
    lines = tailrace("plan").err.splitlines()
    assert len(lines) > 2
    assert lines == [line.rstrip() for line in lines]


def test_the_hint_keeps_to_the_project_that_was_asked(tailrace: Run) -> None:
    ended = tailrace("--env", "staging", "plan", "customers_to_crm")
    assert "--env staging" in ended.out
    assert "--env staging" in tailrace("plan", "customers_to_crm", "--env", "staging").out
