"""The mapping as planned is kept without secrets, and made whole again from the files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tailrace.columns import Column, Kind
from tailrace.destinations.webhook import webhook
from tailrace.errors import StateError
from tailrace.runtime.pinned import PinnedMapping, pin, settle, unpin

SETTINGS = {
    "url": "https://crm.example/hook?token=t0p",
    "batch": 100,
    "headers": {"Authorization": "Bearer s3cret", "X-Account": 4711, "X-Region": "${env:REGION}"},
    "secret": "${file:signing.key}",
}


def pinned(settings: Mapping[str, Any] = SETTINGS, fields: dict[str, Any] | None = None) -> PinnedMapping:
    columns = [Column("id", Kind.INT, "BIGINT"), Column("amount", Kind.DECIMAL, "DECIMAL(12,2)")]
    operations = frozenset({"added", "deleted"})
    made = pin("shop", "orders", fields, columns, operations, "crm", webhook, "send", settings)
    return unpin(json.loads(json.dumps(made.document())))


def test_a_pinned_mapping_reads_back_as_it_was() -> None:
    fields = {"id": "$id", "nested": {"sql": "amount * 2"}}
    found = pinned(fields=fields)
    assert found.fields == fields
    assert found.columns[1] == Column("amount", Kind.DECIMAL, "DECIMAL(12,2)")
    assert found.operations == {"added", "deleted"}
    assert (found.project, found.mapping, found.destination, found.type, found.action) == (
        "shop",
        "orders",
        "crm",
        "webhook",
        "send",
    )


def test_no_literal_of_a_secret_setting_is_pinned_but_references_are() -> None:
    text = json.dumps(pinned().document())
    for secret in ("t0p", "s3cret", "4711", "crm.example"):
        assert secret not in text
    assert "${env:REGION}" in text
    assert "${file:signing.key}" in text


def test_secrets_come_back_from_the_files_whatever_their_type() -> None:
    assert settle(pinned().settings, SETTINGS, webhook) == SETTINGS


def test_a_secret_that_was_rotated_is_taken_as_it_is_now() -> None:
    rotated = SETTINGS | {"headers": {"Authorization": "Bearer n3w", "X-Account": "4712", "X-Region": "eu"}}
    headers = settle(pinned().settings, rotated, webhook)["headers"]
    assert headers == {"Authorization": "Bearer n3w", "X-Account": "4712", "X-Region": "${env:REGION}"}


def test_a_secret_that_left_the_files_is_left_out_and_never_sent_as_its_digest() -> None:
    settled = settle(pinned().settings, {"url": SETTINGS["url"], "headers": {"Authorization": "x"}}, webhook)
    assert settled["headers"] == {"Authorization": "x", "X-Region": "${env:REGION}"}
    assert "sha256:" not in json.dumps(settled)


def test_other_settings_stay_as_planned_whatever_they_look_like() -> None:
    planned = SETTINGS | {"batch": 7, "method": "sha256:not-a-secret"}
    settled = settle(pinned(planned).settings, SETTINGS | {"method": "POST"}, webhook)
    assert (settled["batch"], settled["method"]) == (7, "sha256:not-a-secret")


@pytest.mark.parametrize(
    "change", [{"layout": 2}, {"columns": [["id", "no kind", "BIGINT"]]}, {"columns": 1}]
)
def test_a_document_that_cannot_be_read_is_a_plain_error(change: dict[str, Any]) -> None:
    with pytest.raises(StateError) as raised:
        unpin(pinned().document() | change)
    assert raised.value.code == "state_unreadable"
    assert "on_change" in (raised.value.hint or "")


def test_a_document_that_lacks_something_is_a_plain_error() -> None:
    with pytest.raises(StateError):
        unpin({"layout": 1})
