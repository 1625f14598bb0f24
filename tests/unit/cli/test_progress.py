"""Progress: rate and remaining time; bars on terminals only, lines for those who asked, warnings for all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cli.conftest import Ended
from tests.unit.cli.workspaces import FakeWorkspace, sync_document

from tailrace.cli.output import Output
from tailrace.cli.render.progress import Rate, SyncDisplay
from tailrace.runtime.events import Event, PhaseStarted, PlanSealed, Progress, SyncFinished, Waiting, Warned
from tailrace.runtime.stop import StopSignal

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVENTS: list[Event] = [
    PhaseStarted("crm", "s1", "plan", AT),
    PlanSealed("crm", "s1", {"planned": 1000}),
    PhaseStarted("crm", "s1", "send", AT),
    Progress("crm", "s1", 0, 1000, 0, 0, 0, 0, 10.0),
    Progress("crm", "s1", 500, 1000, 499, 1, 0, 0, 12.0),
    Waiting("crm", "rate limit [red]", 3.0),
    Warned("crm", "the model is slow"),
    PhaseStarted("crm", "s1", "commit", AT),
    SyncFinished("crm", None),
]


def test_the_rate_is_that_of_the_last_moments_and_says_what_remains() -> None:
    rate = Rate()
    assert (rate.per_second, rate.remaining(100)) == (0.0, None)
    rate.add(0.0, 0)
    rate.add(10.0, 100)
    assert (rate.per_second, rate.remaining(300)) == (10.0, 20.0)
    rate.add(20.0, 1100)
    assert rate.per_second == 100.0


@given(st.lists(st.tuples(st.floats(0.001, 60), st.integers(0, 10**6)), min_size=1))
def test_the_rate_is_never_negative_nor_infinite(steps: list[tuple[float, int]]) -> None:
    rate, at, done = Rate(), 0.0, 0
    for seconds, records in steps:
        at, done = at + seconds, done + records
        rate.add(at, done)
        assert 0 <= rate.per_second < float("inf")
        left = rate.remaining(done)
        assert left in (None, 0.0)


def show(out: Output) -> SyncDisplay:
    with SyncDisplay(out, StopSignal()) as display:
        for event in EVENTS:
            display(event)
    return display


def test_without_a_terminal_only_warnings_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    display = show(Output())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "warning: crm: the model is slow\n"
    assert display.said == {"the model is slow"}


def test_verbose_tells_the_phases(capsys: pytest.CaptureFixture[str]) -> None:
    show(Output(verbose=True))
    told = capsys.readouterr().err
    for line in ("crm: planning (s1)", "crm: planned 1,000 records", "crm: waits 3.0 s: rate limit [red]"):
        assert f"{line}\n" in told


def test_a_destination_that_is_down_is_told_once_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with SyncDisplay(Output(), StopSignal()) as display:
        for left in (900.0, 899.0, 890.0):
            display(Waiting("crm", "The destination refused the connection.", 0.4, left))
    assert capsys.readouterr().err == (
        "crm: The destination refused the connection. Tries again, for up to 15 m 00 s. "
        "Ctrl-C stops; the next sync goes on.\n"
    )


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show(Output(quiet=True))
    assert capsys.readouterr() == ("", "")


def test_a_warning_is_shown_once(tailrace: Callable[..., Ended], fake: type[FakeWorkspace]) -> None:
    fake.syncs_run = [sync_document(warnings=["2 keys are repeated"])]
    ended = tailrace("sync")
    assert (ended.out + ended.err).count("2 keys are repeated") == 1
    assert tailrace("sync", "--json").json["syncs"][0]["warnings"] == ["2 keys are repeated"]


def test_quiet_says_nothing_of_a_success_and_all_of_the_rest(
    tailrace: Callable[..., Ended], fake: type[FakeWorkspace]
) -> None:
    ended = tailrace("sync", "--quiet")
    assert (ended.out, ended.err) == ("", "")
    fake.syncs_run = [sync_document(status="partial")]
    assert "partial" in tailrace("-q", "sync").out
