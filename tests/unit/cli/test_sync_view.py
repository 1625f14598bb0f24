"""The counts of a sync, on terminals of any width."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console
from tests.unit.cli.workspaces import sync_document

from tailrace.cli.output import print_trimmed
from tailrace.cli.render.counts import outcomes
from tailrace.cli.render.syncs import history, result
from tailrace.service.documents import Counts, OperationCounts, SyncsDocument

COUNTS = Counts(planned=1_234_570, delivered=1_234_566, rejected=4)
SHARES = {
    "added": OperationCounts(planned=1_234_567, delivered=1_234_566, rejected=1),
    "deleted": OperationCounts(planned=3, rejected=3),
}


def seen(width: int) -> str:
    file = io.StringIO()
    print_trimmed(Console(file=file, width=width), outcomes(COUNTS, SHARES))
    return file.getvalue()


@pytest.mark.parametrize("width", [40, 54, 70, 100])
def test_no_count_and_no_heading_is_cut_or_broken(width: int) -> None:
    lines = seen(width).splitlines()
    assert max(map(len, lines)) <= width
    words = set(" ".join(lines).split())
    assert {"planned", "delivered", "rejected", "aborted", "unknown", "1,234,567", "1,234,570"} <= words


def test_operations_stand_below_each_other_where_there_is_room() -> None:
    assert re.search(r"\+ added +1,234,567 +1,234,566 +1 +0 +0\n", seen(100))
    assert re.search(r"rejected +1 +3 +4\n", seen(40))


def test_a_sync_without_anything_to_send_says_so_instead_of_zeros() -> None:
    idle = dict.fromkeys(("added", "updated", "deleted"), OperationCounts())
    document = sync_document(counts=Counts(model_rows=3, unchanged=3), by_operation=idle)
    file = io.StringIO()
    for part in result(document):
        print_trimmed(Console(file=file, width=100), part)
    assert "  Nothing to send.\n  unchanged 3 ·" in file.getvalue()
    assert "delivered" not in file.getvalue()


def test_a_running_sync_says_how_fresh_that_news_is() -> None:
    document = sync_document(status="running", finished_at=None, silent_seconds=12)
    file = io.StringIO()
    console = Console(file=file, width=100)
    for part in (*result(document), history(SyncsDocument(syncs=[document]))):
        print_trimmed(console, part)
    assert file.getvalue().count("running, heard of 12 s ago") == 2
