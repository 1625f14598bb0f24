from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.spec.projects import SMALL, load, problems

from tailrace.spec.cron import parse_cron


def _with(schedule: str) -> str:
    return f"{SMALL}    schedule: {schedule}\n"


def test_every_cron_and_manual(tmp_path: Path) -> None:
    every = load(tmp_path, {"tailrace.yml": _with("{every: 1h30m}")}).mappings["to_crm"].schedule
    assert every is not None
    assert (every.every, str(every)) == (5400, "every 1h30m")
    text = _with('{cron: "0 6 * * mon-fri", timezone: Europe/Berlin}')
    cron = load(tmp_path, {"tailrace.yml": text}).mappings["to_crm"].schedule
    assert cron is not None
    assert str(cron) == "0 6 * * mon-fri (Europe/Berlin)"
    assert load(tmp_path, {"tailrace.yml": _with("manual")}).mappings["to_crm"].schedule is None


@pytest.mark.parametrize(
    ("schedule", "field", "said"),
    [
        ("{every: 15}", "every", "needs a unit"),
        ("{every: 30s}", "every", "he shortest interval is 1m"),
        ("{every: soon}", "every", "30s, 15m or 1h30m"),
        ("{every: 1h, cron: '* * * * *'}", None, "exactly one"),
        ("{timezone: UTC}", None, "exactly one"),
        ("{cron: '0 6 * *'}", "cron", "five fields"),
        ("{cron: '60 6 * * *'}", "cron", "'60' is not a minute"),
        ("{cron: '0 0 30 feb *'}", "cron", "never fires"),
        ("{cron: 5}", "cron", "in quotes"),
        ("{every: 1h, timezone: Europe/Berln}", "timezone", "Did you mean `Europe/Berlin`?"),
        ("{every: 1h, timezone: ../../etc/passwd}", "timezone", "no time zone"),
        ("hourly", None, "must hold entries"),
        ("{evry: 1h}", "evry", "not a key"),
    ],
)
def test_a_wrong_schedule_is_refused_at_its_place(
    tmp_path: Path, schedule: str, field: str | None, said: str
) -> None:
    found = problems(tmp_path, {"tailrace.yml": _with(schedule)})[-1]
    assert said in f"{found.message} {found.hint}"
    assert found.hint
    assert found.where is not None
    assert found.where.line == 17
    assert found.where.field == "mappings.to_crm.schedule" + (f".{field}" if field else "")


@pytest.mark.parametrize(
    "text",
    [
        "a * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "*/0 * * * *",
        "5-1 * * * *",
        ", * * * *",
    ],
)
def test_wrong_cron_fields(text: str) -> None:
    with pytest.raises(ValueError, match=" is not a "):
        parse_cron(text)


def test_cron_fields() -> None:
    cron = parse_cron("*/20 6-8,20 1-5/2 jan,dec 7")
    assert cron.minutes == {0, 20, 40}
    assert cron.hours == {6, 7, 8, 20}
    assert cron.days == {1, 3, 5}
    assert cron.months == {1, 12}
    assert cron.weekdays == {0}
    assert (cron.any_day, cron.any_weekday) == (False, False)


@given(st.sets(st.integers(0, 59), min_size=1), st.sets(st.integers(0, 6), min_size=1))
def test_a_list_stands_for_its_numbers(minutes: set[int], weekdays: set[int]) -> None:
    text = f"{','.join(map(str, minutes))} * * * {','.join(map(str, weekdays))}"
    assert parse_cron(text).minutes == minutes
    assert parse_cron(text).weekdays == weekdays
