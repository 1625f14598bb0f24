"""Options reach the service as they were given, and the terminal shows what people need next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.conftest import Ended
from tests.unit.cli.workspaces import SYNC, FakeWorkspace, sync_document

from tailrace.cli.app import build
from tailrace.cli.command import COMMANDS
from tailrace.service.documents import Counts

Run = Callable[..., Ended]


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (["plan", "customers_to_crm", "--sql", "--samples", "7"], ("plan", ["customers_to_crm"], True, 7)),
        (["sync", "customers_to_crm", "--plan", "x", "--limit", "9"], ("sync", ["customers_to_crm"], "x", 9)),
        (["check", "crm"], ("check", ["crm"], False)),
        (["check", "warehouse", "--deep"], ("check", ["warehouse"], True)),
        (
            ["grants", "warehouse", "--user", "u", "--role", "r", "--schemas", "a, b"],
            ("grants", "warehouse", "u", "r", ["a", "b"]),
        ),
        (["preview", "customers", "--limit", "3"], ("preview", "customers", 3)),
        (["send", "customers_to_crm", "--key", "42"], ("send", "customers_to_crm", "42")),
        (["syncs", "customers_to_crm", "--limit", "2"], ("syncs", "customers_to_crm", 2)),
        (["release", "customers_to_crm", "--key", "42"], ("release", "customers_to_crm", "42")),
        (
            ["resend", "customers_to_crm", "--key", "1", "--key", "2"],
            ("resend", "customers_to_crm", ["1", "2"]),
        ),
        (["resend", "customers_to_crm", "--yes"], ("resend", "customers_to_crm", [])),
        (["reset", "customers_to_crm", "--yes"], ("reset", "customers_to_crm")),
        (["approve", SYNC], ("sync", ["customers_to_crm"], None, None)),
    ],
)
def test_options_reach_the_service(
    words: list[str], call: tuple[Any, ...], tailrace: Run, fake: type[FakeWorkspace]
) -> None:
    assert tailrace(*words).code == 0
    assert call in fake.calls
    assert fake.calls[-1] == ("close",)


def test_an_approval_may_only_be_recorded(tailrace: Run, fake: type[FakeWorkspace]) -> None:
    assert tailrace("approve", SYNC, "--no-run").code == 0
    assert [call[0] for call in fake.calls] == ["open", "approve", "close"]


def test_global_options_stand_before_or_after_the_command(
    tailrace: Run, fake: type[FakeWorkspace], tmp_path: Path
) -> None:
    options = ["--project-dir", str(tmp_path / "p"), "--env", "staging"]
    for words in (["ls", *options], [*options, "ls"], [options[0], options[1], "ls", *options[2:]]):
        fake.calls.clear()
        assert tailrace(*words).code == 0
        assert fake.calls[0] == ("open", tmp_path / "p", "staging")


def test_the_environment_may_come_from_a_variable_and_an_option_outranks_it(
    tailrace: Run, fake: type[FakeWorkspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAILRACE_ENV", "staging")
    tailrace("ls")
    tailrace("ls", "--env", "production")
    assert [call[2] for call in fake.calls if call[0] == "open"] == ["staging", "production"]


def test_a_failed_check_shows_each_step_and_its_remedy(tailrace: Run, fake: type[FakeWorkspace]) -> None:
    fake.checks_ok = False
    told = tailrace("check").out
    assert "  ✓ address  db:5432\n" in told
    assert "  ✗ login  password refused\n      Set PGPASSWORD.\n      Then try again.\n" in told
    assert "  · read\n" in told
    assert "crm" not in tailrace("check", "--quiet").out


def test_why_puts_the_conclusion_first_and_then_every_attempt(tailrace: Run) -> None:
    told = tailrace("why", "customers_to_crm", "42").out
    order = ["The destination refused", "In the model", "As delivered", "Change", "Payload", "Attempts"]
    assert [told.index(part) for part in order] == sorted(told.index(part) for part in order)
    assert 'answered {"status":"rejected"}' in told
    assert "timeout" in told


def test_rejections_show_payload_and_answer_with_their_digits(tailrace: Run) -> None:
    told = tailrace("rejections", "customers_to_crm").out
    assert '"spent": 12345678901234567890.10' in told
    assert "quarantined until 2026-03-01 13:00:02 UTC" in told
    assert "tailrace release customers_to_crm" in told


def test_a_result_names_what_to_run_next(tailrace: Run, fake: type[FakeWorkspace]) -> None:
    fake.syncs_run = [sync_document(status="cancelled")]
    assert "Go on: tailrace sync customers_to_crm --env staging\n" in tailrace("sync", "--env", "staging").out
    fake.syncs_run = [sync_document(status="partial", counts=Counts(planned=2, rejected=1, unknown=1))]
    assert "Why: tailrace rejections customers_to_crm\n" in tailrace("sync").out
    fake.syncs_run = [sync_document(status="partial", counts=Counts(planned=2, delivered=1, unknown=1))]
    assert f"Why: tailrace show {SYNC}\n" in tailrace("sync").out


def test_an_interrupted_sync_is_shown_with_how_to_go_on(tailrace: Run, fake: type[FakeWorkspace]) -> None:
    assert "tailrace sync" not in tailrace("show", SYNC).out
    fake.shown_status = "interrupted"
    assert tailrace("show", SYNC).out.endswith("Go on: tailrace sync customers_to_crm\n")


def test_grants_and_schema_are_printed_as_they_are(tailrace: Run) -> None:
    assert tailrace("grants", "warehouse").out == 'GRANT USAGE ON SCHEMA shop TO "tailrace";\n'


@pytest.mark.parametrize("name", sorted(build().commands))
def test_help_teaches_with_examples(name: str, tailrace: Run) -> None:
    ended = tailrace(name, "--help")
    assert ended.code == 0
    assert f"Usage: tailrace {name} [OPTIONS]" in ended.out
    assert "Global options:" in ended.out
    assert f"Examples:\n  # {COMMANDS[name].examples[0].does}\n  tailrace {name}" in ended.out


def test_the_list_of_commands_is_grouped(tailrace: Run) -> None:
    told = tailrace("--help").out
    groups = ["Start:", "Look:", "Plan and sync:", "What happened:", "Decide and repair:"]
    assert [told.index(group) for group in groups] == sorted(told.index(group) for group in groups)
    assert all(f"\n  {name} " in told for name in COMMANDS)
