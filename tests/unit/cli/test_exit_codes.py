"""Exit codes exactly as the contract lists them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest
from tests.unit.cli.conftest import Ended
from tests.unit.cli.workspaces import FakeWorkspace, plan_document, sync_document

from tailrace.cli.exits import worst
from tailrace.errors import ConfigError, LeaseHeld, SourceUnavailable, StateError, TailraceError
from tailrace.runtime.stop import StopSignal
from tailrace.service.documents import Counts, ErrorDocument, ProblemDocument, ValidateDocument

Run = Callable[..., Ended]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("success", 0),
        ("failed", 1),
        ("partial", 3),
        ("blocked", 4),
        ("cancelled", 130),
        ("interrupted", 130),
        ("superseded", 0),
        ("discarded", 0),
    ],
)
def test_a_sync_ends_with_the_code_of_its_status(
    status: str, code: int, tailrace: Run, fake: type[FakeWorkspace]
) -> None:
    fake.syncs_run = [sync_document(status=status)]
    assert tailrace("sync").code == code


@pytest.mark.parametrize("order", list(permutations(["failed", "blocked", "partial", "success"])))
def test_several_mappings_end_with_the_worst_code_in_any_order(
    order: tuple[str, ...], tailrace: Run, fake: type[FakeWorkspace]
) -> None:
    fake.syncs_run = [sync_document(status=status) for status in order]
    assert tailrace("sync").code == 1
    fake.syncs_run = [sync_document(status=status) for status in order if status != "failed"]
    assert tailrace("sync").code == 4


@pytest.mark.parametrize("command", ["plan", "check", "ls"])
def test_an_interrupted_command_says_so(
    command: str, tailrace: Run, fake: type[FakeWorkspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_given: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fake, "mappings" if command == "ls" else command, interrupted)
    assert tailrace(command) == Ended(130, "", "cancelled\n")


def test_the_worst_of_several_codes() -> None:
    assert [worst(codes) for codes in ([], [0, 5], [5, 3], [3, 4, 5], [4, 1], [1, 130])] == [
        0,
        5,
        3,
        4,
        1,
        130,
    ]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("wrong"), 2),
        (LeaseHeld("running on another host"), 5),
        (StateError("rows are missing"), 4),
        (SourceUnavailable("no route"), 1),
    ],
)
def test_an_error_before_the_first_sync_ends_with_its_code(
    error: TailraceError, code: int, tailrace: Run, fake: type[FakeWorkspace]
) -> None:
    fake.syncs_run = [error]
    ended = tailrace("sync")
    assert (ended.code, ended.out) == (code, "")
    assert "error:" in ended.err
    fake.open_error = error
    assert tailrace("sync").code == code


def test_an_error_after_the_first_sync_hides_neither(tailrace: Run, fake: type[FakeWorkspace]) -> None:
    fake.syncs_run = [sync_document(status="partial"), LeaseHeld("another sync is running")]
    ended = tailrace("sync", "--json")
    assert [each["status"] for each in ended.json["syncs"]] == ["partial"]
    assert ended.json["error"]["code"] == "lease_held"
    assert ended.code == 3
    ended = tailrace("sync")
    assert "partial" in ended.out
    assert "another sync is running" in ended.err


def test_a_sync_that_lost_its_mapping_to_another_is_busy(tailrace: Run, fake: type[FakeWorkspace]) -> None:
    error = ErrorDocument(code="fence_lost", message="another process took over")
    fake.syncs_run = [sync_document(status="failed", error=error)]
    assert tailrace("sync").code == 5


def test_a_stop_asked_for_while_syncing_ends_with_130(tailrace: Run, fake: type[FakeWorkspace]) -> None:
    def ask(stop: StopSignal) -> None:
        stop.request()

    fake.during_sync = staticmethod(ask)
    fake.syncs_run = [sync_document(status="cancelled")]
    assert tailrace("sync").code == 130


def test_a_plan_ends_with_zero_unless_asked_for_exit_codes(tailrace: Run, fake: type[FakeWorkspace]) -> None:
    blocked, empty = plan_document(blocked=True), plan_document(counts=Counts(), changes=[])
    for plans, code in (
        ([plan_document()], 6),
        ([blocked], 4),
        ([empty], 0),
        ([plan_document(), blocked], 4),
    ):
        fake.plans = list(plans)
        assert tailrace("plan").code == 0
        assert tailrace("plan", "--exit-code").code == code


def test_a_plan_that_could_not_be_made_fails(tailrace: Run, fake: type[FakeWorkspace]) -> None:
    fake.plans = [plan_document(error=ErrorDocument(code="source_failed", message="no such table"))]
    assert tailrace("plan").code == 1
    fake.plans = [SourceUnavailable("no route")]
    assert tailrace("plan", "--exit-code").code == 1


@pytest.mark.parametrize(
    ("outcome", "code"), [("delivered", 0), ("rejected", 3), ("unknown", 3), ("aborted", 1)]
)
def test_a_test_record_ends_with_the_code_of_its_outcome(
    outcome: str, code: int, tailrace: Run, fake: type[FakeWorkspace]
) -> None:
    fake.send_outcome = outcome
    assert tailrace("send", "customers_to_crm", "--key", "42").code == code


def test_a_failed_check_fails_and_wrong_files_are_configuration(
    tailrace: Run, fake: type[FakeWorkspace]
) -> None:
    fake.checks_ok = False
    assert tailrace("check").code == 1
    problem = ProblemDocument(code="config_invalid", message="no", where="tailrace.yml:3")
    fake.problems = ValidateDocument(valid=False, problems=[problem])
    ended = tailrace("validate")
    assert ended.code == 2
    assert "tailrace.yml:3: no" in ended.out


@pytest.mark.parametrize(
    "words",
    [
        ["snyc"],
        [],
        ["sync", "customers_to_crm", "orders_to_crm", "--plan", "abc"],
        ["sync", "--limit", "0"],
        ["plan", "--format", "pdf"],
        ["sync", "no_such_mapping"],
        ["reset", "customers_to_crm"],
        ["resend", "customers_to_crm", "--json"],
        ["init", "mongodb"],
    ],
)
def test_usage_errors_end_with_two(words: list[str], tailrace: Run) -> None:
    assert tailrace(*words).code == 2


def test_a_plan_needs_no_name_where_only_one_mapping_is_enabled(
    tailrace: Run, fake: type[FakeWorkspace]
) -> None:
    assert tailrace("sync", "--plan", "abc").code == 0
    assert ("sync", ["customers_to_crm"], "abc", None) in fake.calls
