"""The plan as a reviewer reads it, on terminals of several widths and as a comment on a pull request."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from tests.unit.cli.workspaces import PLAN, plan_document

from tailrace.cli.output import print_trimmed
from tailrace.cli.render.parts import contrast
from tailrace.cli.render.plan import plan, summary
from tailrace.cli.render.plan_markdown import plans
from tailrace.service.documents import ChangeDocument, Counts, ErrorDocument, GuardDocument, PlanDocument


def seen(document: PlanDocument, width: int = 80, **console: Any) -> str:
    file = io.StringIO()
    target = Console(file=file, width=width, **console)
    for part in plan(document):
        print_trimmed(target, part)
    return file.getvalue()


def test_counts_samples_and_guards_are_all_there() -> None:
    text = seen(plan_document())
    assert "customers_to_crm → crm.send   sends adds, updates, deletes" in text
    assert re.search(r"\+ added +120 +unchanged +2,793", text)
    assert re.search(r"= to send +217 +not sent +0", text)
    assert "1 of 120 adds, 1 of 85 updates, 1 of 12 deletes" in text
    assert "max_delete_percent  0.4 %  limit 10 %" in text
    assert re.search(r"repeated +7 +2 rows", text)
    assert "score: NaN is no JSON number" in text
    assert PLAN in text


def test_of_an_update_only_what_changed_is_shown() -> None:
    text = seen(plan_document())
    assert re.search(r"first_name  null +→  Bob\n", text)
    assert re.search(r"plan +basic +→  pro\n", text)
    assert "and 2 columns as before" in text
    update = text[text.index("~ 42") : text.index("− 17")]
    assert "bob@example.com  →" not in update


def test_a_blocked_guard_says_what_it_does() -> None:
    guard = GuardDocument(name="max_deletes", limit="10", value="12", passed=False)
    error = ErrorDocument(
        code="guard", message="12 records would be deleted", hint="Approve it, or raise the guard."
    )
    text = seen(plan_document(blocked=True, guards=[guard], error=error))
    assert "✗  max_deletes  12  limit 10  blocks this sync" in text
    assert "12 records would be deleted (guard)" in text
    assert "Approve it, or raise the guard." in text


def test_what_a_reader_must_know_comes_first() -> None:
    document = plan_document(first=True, interrupted=True, render_differs=17, warnings=["the model is slow"])
    text = seen(document, width=200)
    assert (
        text.index("was interrupted")
        < text.index("First sync")
        < text.index("17 records")
        < text.index("+ added")
    )
    assert "the model is slow" in text


def test_nothing_to_send_is_said_so() -> None:
    text = seen(plan_document(counts=Counts(model_rows=5, unchanged=5), changes=[], set_aside=[]))
    assert "Nothing to send." in text
    assert PLAN not in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal_but_the_plan(width: int) -> None:
    lines = seen(plan_document(), width=width).splitlines()
    assert all(len(line) <= width for line in lines)


def test_a_wide_terminal_shows_record_and_payload_side_by_side() -> None:
    assert "id          3001" in seen(plan_document(), width=120)
    assert re.search(r"id +3001 +sends", seen(plan_document(), width=120))
    assert not re.search(r"id +3001 +sends", seen(plan_document(), width=80))


def test_colour_degrades_to_signs() -> None:
    coloured = seen(plan_document(), force_terminal=True, color_system="standard", no_color=False)
    without = seen(plan_document(), force_terminal=True, color_system="standard", no_color=True)
    assert "\x1b[32m" in coloured
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", without)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == seen(plan_document())


def test_several_plans_end_in_a_summary() -> None:
    file = io.StringIO()
    for part in summary([plan_document(), plan_document(mapping="b", blocked=True)]):
        print_trimmed(Console(file=file, width=80), part)
    assert re.search(r"customers_to_crm +\+120 ~85 −12\n", file.getvalue())
    assert re.search(r"b +\+120 ~85 −12 +blocked", file.getvalue())


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_no_value_can_drive_the_terminal_or_leave_its_line(key: str, old: str, new: str) -> None:
    change = ChangeDocument(operation="updated", key=key, old={"v": old}, new={"v": new}, payload={"v": new})
    text = seen(plan_document(changes=[change]), width=100_000)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_the_comment_has_the_same_facts() -> None:
    text = plans([plan_document()], "tailrace sync customers_to_crm --plan X")
    assert "| 120 | 85 | 12 | 217 | 2,793 | 2 | 0 | 0 |" in text
    assert "```diff\n@@ ~ 42 @@\n-   first_name: null\n+   first_name: Bob" in text
    assert "```sh\ntailrace sync customers_to_crm --plan X\n```" in text
    assert f"`{PLAN}`" in text


@given(st.text(alphabet=st.sampled_from("`|<>@[]()#*\\\n~ab")))
def test_no_value_can_leave_its_place_in_the_comment(value: str) -> None:
    change = ChangeDocument(operation="added", key=value, new={"v": value}, payload=value)
    text = plans([plan_document(changes=[change], mapping="m", set_aside=[])], "x")
    fence = ""
    for line in text.splitlines():
        ticks = re.match(r"`{3,}", line)
        if not fence and ticks:
            fence = ticks.group()
        elif fence and line.strip() == fence:
            fence = ""
        elif not fence:
            assert "@" not in line.replace("@@", "")
    assert not fence


@given(st.text(), st.text(), st.text(), st.text())
def test_long_values_are_cut_around_what_differs_and_never_look_the_same(
    start: str, old: str, new: str, end: str
) -> None:
    before, after = start * 20 + old + end * 20, start * 20 + new + end * 20
    short = contrast(before, after)
    assert all(len(text) <= 50 for text in short)
    assert (short[0] == short[1]) == (before == after)
