"""What commands print on terminals of any width: no line leaves the terminal, and no word of usual length is torn."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from tests.unit.cli.conftest import Ended
from tests.unit.cli.workspaces import SYNC, FakeWorkspace, plan_document, sync_document

from tailrace.service.documents import ErrorDocument, GuardDocument, ProblemDocument, ValidateDocument

Run = Callable[..., Ended]
COMMANDS = {
    "ls": ["ls"],
    "syncs": ["syncs"],
    "show": ["show", SYNC],
    "plan": ["plan", "customers_to_crm"],
    "sync": ["sync"],
    "why": ["why", "customers_to_crm", "42"],
    "rejections": ["rejections", "customers_to_crm"],
    "check": ["check"],
    "validate": ["validate"],
    "preview": ["preview", "customers"],
    "destinations": ["destinations"],
}
WIDE = 500
_TO_COPY = re.compile(r".*: tailrace .*")
"""A command to copy stands on one line, which the terminal itself breaks."""


@pytest.fixture
def shown(
    tailrace: Run, fake: type[FakeWorkspace], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, int], list[str]]:
    """The lines that a command prints at a width."""
    fake.checks_ok = False
    guards = [
        GuardDocument(name="max_delete_percent", limit="25 %", value="30.0 % (60 of 200)", passed=False),
        GuardDocument(
            name="empty_model",
            limit="at least 1 row",
            value="201 model rows (200 records in the state)",
            passed=True,
        ),
    ]
    error = ErrorDocument(
        code="max_delete_percent",
        message="The plan was stopped before anything was sent.",
        hint="Look at it.",
    )
    fake.plans = [plan_document(guards=guards, blocked=True, error=error, first=True)]
    fake.syncs_run = [sync_document(resumed=True, status="partial", warnings=["2 rows were set aside."])]
    problem = ProblemDocument(
        code="config",
        message="There is no source `warehous`.",
        hint="Did you mean `warehouse`?",
        where="tailrace.yml:7 models.customers.source",
    )
    fake.problems = ValidateDocument(valid=False, problems=[problem])

    def run(name: str, width: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        return [line for line in tailrace(*COMMANDS[name]).out.splitlines() if not _TO_COPY.fullmatch(line)]

    return run


@pytest.mark.parametrize("width", [40, 60, 80])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_line_is_too_long_and_no_word_is_torn(
    shown: Callable[[str, int], list[str]], name: str, width: int
) -> None:
    wide, lines = shown(name, WIDE), shown(name, width)
    assert wide
    assert max(map(len, lines)) <= width
    words = set(" ".join(wide).split())
    long = " ".join(word for word in words if len(word) > width * 2 // 3)
    assert [piece for piece in " ".join(lines).split() if piece not in words and piece not in long] == []


@pytest.mark.parametrize("name", ["ls", "syncs"])
def test_a_list_is_a_table_where_it_fits_and_else_a_block_for_each(
    shown: Callable[[str, int], list[str]], name: str
) -> None:
    assert shown(name, WIDE)[0].split()[0] in ("mapping", "sync")
    first, second, *_ = shown(name, 40)
    assert first in ("customers_to_crm", SYNC)
    assert second.startswith("  ")
    assert "success" in second or "interrupted" in second


def test_what_changed_stands_below_its_column_where_it_does_not_fit_beside_it(
    shown: Callable[[str, int], list[str]],
) -> None:
    text = "\n".join(shown("plan", 24))
    assert "first_name\n      null\n      → Bob\n" in text
