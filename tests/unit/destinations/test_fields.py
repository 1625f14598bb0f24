"""Fields: one object validates, and says clearly what is wrong without saying what is secret."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.destinations.fields import Field, Settings, validate
from tailrace.errors import ConfigError, ConfigErrors

FIELDS = (
    Field(name="url", label="Address", type="url", required=True, secret=True, help="Where to."),
    Field(name="batch", label="Batch", type="integer", default=1, minimum=1, maximum=10, help="How many."),
    Field(name="rate", label="Rate", type="number", help="How fast."),
    Field(name="fast", label="Fast", type="boolean", default=False, help="Or not."),
    Field(name="wait", label="Wait", type="duration", default=30.0, maximum=40, help="How long."),
    Field(name="kind", label="Kind", type="choice", choices=("a", "b"), default="a", help="Which."),
    Field(name="headers", label="Headers", type="headers", default={}, secret=True, help="What else."),
)


def check(**values: Any) -> Settings:
    return validate(FIELDS, {"url": "https://a.test/hook"} | values)


def test_defaults_and_conversions() -> None:
    settings = check(batch="7", rate="2.5", fast="true", wait="1500ms", headers={"X-Tries": 3})
    assert dict(settings) == {
        "url": "https://a.test/hook",
        "batch": 7,
        "rate": 2.5,
        "fast": True,
        "wait": 1.5,
        "kind": "a",
        "headers": {"X-Tries": "3"},
    }


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"batch": 11}, "at most 10"),
        ({"batch": 0}, "at least 1"),
        ({"batch": True}, "whole number"),
        ({"batch": 1.5}, "whole number"),
        ({"rate": "quick"}, "a number"),
        ({"rate": float("nan")}, "a number"),
        ({"fast": "maybe"}, "true or false"),
        ({"wait": "41s"}, "at most 40s"),
        ({"wait": "soon"}, "duration"),
        ({"kind": "c"}, "one of a, b"),
        ({"url": "ftp://a.test"}, "https://"),
        ({"url": "https://"}, "https://"),
        ({"url": "https://user:pw@a.test/"}, "user name or password"),
        ({"url": "https://a.test:99999/"}, "not a valid address"),
        ({"url": "https://a.test/a b"}, "not a valid address"),
        ({"headers": ["X"]}, "names with values"),
        ({"headers": {"X Y": "1"}}, "does not allow"),
        ({"headers": {"X": "a\r\nY: b"}}, "line breaks"),
        ({"headers": {"X": "naïve €"}}, "cannot carry"),
        ({"headers": {"X": {"y": 1}}}, "one text"),
        ({"headers": {"Host": "b.test"}}, "sets it itself"),
        ({"headers": {"webhook-id": "1"}}, "sets it itself"),
        ({"headers": {"X": "1", "x": "2"}}, "twice"),
    ],
)
def test_what_is_wrong_is_said(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        check(**values)
    assert caught.value.where is not None
    assert caught.value.where.field == next(iter(values))
    assert caught.value.hint


def test_all_mistakes_are_found_at_once() -> None:
    with pytest.raises(ConfigErrors) as caught:
        validate(FIELDS, {"bacth": 1, "wait": "1h"}, where="destinations.crm")
    assert {str(error.where) for error in caught.value.errors} == {
        "destinations.crm.bacth",
        "destinations.crm.url",
        "destinations.crm.wait",
    }
    assert "Did you mean `batch`?" in {error.hint for error in caught.value.errors}


def test_references_can_be_left_open_to_check_files() -> None:
    values = {"url": "${env:URL}", "batch": "${env:BATCH}", "headers": {"X": "${file:token}"}}
    assert validate(FIELDS, values, references=True)["url"] == "${env:URL}"
    with pytest.raises(ConfigErrors):
        validate(FIELDS, values)


def test_secrets_are_hidden() -> None:
    settings = check(
        url="https://a.test/services/0123456789abcdef0123?key=qu3ry",
        headers={"Authorization": "Bearer t0ken"},
    )
    assert "a.test" not in repr(settings)
    assert "t0ken" not in repr(settings)
    said = "no Bearer t0ken, t0ken; qu3ry; 0123456789abcdef0123; https://a.test/services/0123456789abcdef0123?key=qu3ry"
    assert settings.hide(said) == "no ***, ***; ***; ***; ***"
    assert settings.hide("an ordinary sentence of services") == "an ordinary sentence of services"
