"""One record as a test, and the connection test: what is shown holds no secret, and each failure has a remedy."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tailrace.delivery.single import Exchange, probe_destination, send_one
from tailrace.destinations.auth import basic, bearer
from tailrace.destinations.define import Call
from tailrace.destinations.webhook import webhook
from tailrace.testing.destination_kit import Change, render
from tailrace.testing.faults import Fault
from tailrace.testing.receiver import Receiver

TOKEN = "t0ken-of-the-tool"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def send(url: str, operation: str = "added", **settings: Any) -> Exchange:
    values = {"url": f"{url}?key=qu3ry-key", "headers": {"Authorization": f"Bearer {TOKEN}"}} | settings
    call = Call(webhook.configure(values), "shop", "customers", "test-1")
    action = webhook.action("send")
    piece = render(action, call, [Change("k1", operation, '{"n":1}')])

    class One:
        keys, operations, record_ids = ("k1",), (operation,), ("id",)

        def __len__(self) -> int:
            return 1

    return send_one(action, call, bearer(TOKEN), piece.items[0].as_py(), One(), "key-1", 1_700_000_000.0)


def test_request_and_answer_are_shown_without_secrets(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="status", status=422, body=f'{{"message": "no, {TOKEN}, qu3ry-key"}}'))
    exchange = send(receiver.url, gzip=True)
    assert exchange.outcome == "rejected"
    assert exchange.answer is not None
    assert exchange.answer.status == 422
    assert exchange.headers["Authorization"] == "***"
    assert exchange.origin == f"http://127.0.0.1:{receiver.port}"
    assert '"record":{"n":1}' in exchange.body
    for secret in (TOKEN, "qu3ry-key"):
        assert secret not in f"{exchange.headers} {exchange.body} {exchange.shown_answer} {exchange.message}"


@pytest.mark.parametrize(
    ("faults", "outcome"),
    [
        ([], "delivered"),
        ([Fault(kind="results", keys=("k1",))], "rejected"),
        ([Fault(kind="results", keys=("k1",), result={"status": "retry"})], "aborted"),
        ([Fault(kind="status", status=429)], "aborted"),
        ([Fault(kind="status", status=401)], "aborted"),
        ([Fault(kind="status", status=503)], "unknown"),
        ([Fault(kind="lost")], "unknown"),
    ],
)
def test_outcomes(receiver: Receiver, faults: list[Fault], outcome: str) -> None:
    receiver.fail(*faults)
    assert send(receiver.url).outcome == outcome


def test_a_delete_of_nothing_and_nobody_there(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="status", status=404))
    assert send(receiver.url, "deleted").outcome == "delivered"
    assert send("http://127.0.0.1:9/hook").outcome == "aborted"


def steps(url: str) -> list[tuple[str, str]]:
    settings = webhook.configure({"url": url})
    found = list(probe_destination(webhook, settings, "shop", 1_700_000_000.0))
    assert all(step.remedy for step in found if step.status == "failed")
    return [(step.name, step.status) for step in found]


def test_the_connection_test_goes_step_by_step(receiver: Receiver) -> None:
    reached = [("address", "passed"), ("connection", "passed"), ("tls", "skipped")]
    assert steps(receiver.url) == [*reached, ("test message", "passed")]
    for status, expected in (
        (401, "failed"),
        (404, "failed"),
        (302, "failed"),
        (400, "warning"),
        (503, "failed"),
    ):
        receiver.fail(Fault(kind="status", status=status))
        assert steps(receiver.url) == [*reached, ("test message", expected)]
    assert receiver.state() == {}


def test_the_connection_test_names_the_step_that_fails() -> None:
    assert steps("http://nowhere.invalid/hook") == [("address", "failed")]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert steps(f"http://127.0.0.1:{port}/hook") == [("address", "passed"), ("connection", "failed")]


def test_tls_is_tested_by_itself(receiver: Receiver) -> None:
    found = steps(receiver.url.replace("http:", "https:"))
    assert found[-1] == ("tls", "failed")


def test_header_builders() -> None:
    assert bearer("x").headers() == {"Authorization": "Bearer x"}
    assert basic("me", "pw").headers() == {"Authorization": "Basic bWU6cHc="}
    assert "pw" not in repr(basic("me", "pw"))
