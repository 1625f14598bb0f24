"""The conformance suite of destinations: subclass `DestinationConformance`, and pytest says whether yours is right.

    class TestMyTool(DestinationConformance):
        destination = my_tool
        def settings(self, url): return {"url": url, "token": "s3cret-token-value"}
        secrets = ("s3cret-token-value",)

A destination whose requests look unlike the webhook's also gives a `receiver` that overrides `Receiver.parse`.
Every test delivers real records over real HTTP; waits are virtual.
"""

from __future__ import annotations

import json
import logging
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tailrace.destinations.define import Call, Destination, Limits
from tailrace.errors import AuthError, ConfigError, DestinationError
from tailrace.outcomes import Outcome
from tailrace.testing.destination_kit import Change, Trial, deliver
from tailrace.testing.faults import Fault
from tailrace.testing.receiver import Receiver

PASSING: dict[str, list[Fault]] = {
    "none": [],
    "latency": [Fault(kind="latency", seconds=0.005, probability=0.5)],
    "5xx before accepting": [Fault(kind="status", status=503, times=3)],
    "5xx after accepting": [Fault(kind="status", status=500, after=True, times=3)],
    "429 without a hint": [Fault(kind="status", status=429, times=2)],
    "429 with Retry-After": [Fault(kind="status", status=429, headers={"Retry-After": "7"}, times=1)],
    "reset": [Fault(kind="reset", times=3)],
    "lost answers": [Fault(kind="lost", times=3)],
    "cut-off answers": [Fault(kind="truncate", times=3)],
    "slow answers": [Fault(kind="slow", seconds=0.05, times=3)],
    "answers too long": [Fault(kind="oversize", size=30 << 20, times=1)],
    "not HTTP": [Fault(kind="garbage", times=2)],
    "everything": [
        Fault(kind="status", status=503, probability=0.1, after=True),
        Fault(kind="lost", probability=0.1),
        Fault(kind="reset", probability=0.1),
        Fault(kind="status", status=429, probability=0.05),
    ],
}
"""Faults that pass: in the end everything is delivered."""

LASTING: dict[str, tuple[Fault, str]] = {
    "5xx": (Fault(kind="status", status=503), "unknown"),
    "5xx after accepting": (Fault(kind="status", status=500, after=True), "unknown"),
    "lost answers": (Fault(kind="lost"), "unknown"),
    "resets": (Fault(kind="reset"), "unknown"),
    "429": (Fault(kind="status", status=429), "aborted"),
    "423": (Fault(kind="status", status=423), "aborted"),
    "redirect": (Fault(kind="status", status=302, headers={"Location": "http://127.0.0.1:9/"}), "aborted"),
    "401": (Fault(kind="status", status=401), "aborted"),
    "404": (Fault(kind="status", status=404), "aborted"),
}
"""Faults that do not pass, and the one outcome that their records may have."""


class DestinationConformance:
    """Facts about a destination that its users rely on."""

    destination: Destination
    action = "send"
    secrets: tuple[str, ...] = ()
    """Values in `settings` that must never be shown."""
    idempotency_header: str | None = "idempotency-key"
    """The header that stays the same over retries; None where the tool knows none."""
    records = 40

    def settings(self, url: str) -> dict[str, Any]:
        """Settings that point the destination at this address."""
        pytest.fail(f"{type(self).__name__} gives no settings")

    @pytest.fixture
    def receiver(self) -> Iterator[Receiver]:
        """What stands in for the tool."""
        with Receiver() as receiver:
            yield receiver

    def changes(self, count: int | None = None, operation: str = "added") -> list[Change]:
        """Records to send; override it where the action asks for certain fields."""
        return [
            Change(f"k{n}", operation, json.dumps({"id": f"k{n}", "name": f"Zoë {n}", "n": n}))
            for n in range(self.records if count is None else count)
        ]

    def deliver(self, receiver: Receiver, changes: list[Change], **settings: Any) -> Trial:
        """Send the changes; `settings` replace some of the destination's."""
        return deliver(self.destination, self.action, self.settings(receiver.url) | settings, changes)

    def limits(self, url: str = "http://127.0.0.1:9/hook") -> Limits:
        """The action's limits under these settings."""
        configured = self.destination.configure(self.settings(url))
        return self.destination.action(self.action).limits(configured)

    @staticmethod
    def held(receiver: Receiver) -> set[str]:
        """The keys that the tool holds."""
        return {key for path in receiver.stats()["records"] for key in receiver.state(path)}

    def test_every_field_can_be_shown(self) -> None:
        action = self.destination.action(self.action)
        assert self.destination.title
        assert self.destination.description
        for field in (*self.destination.settings, *action.fields):
            assert field.label, field.name
            assert field.help, f"{field.name} has no help"
            assert field.type != "choice" or field.choices, field.name

    def test_missing_and_misspelt_settings_are_named(self) -> None:
        required = [field.name for field in self.destination.settings if field.required]
        for name in required:
            values = self.settings("http://127.0.0.1:9/hook")
            values.pop(name, None)
            with pytest.raises(ConfigError) as caught:
                self.destination.configure(values, where="destinations.it")
            assert name in str(caught.value.where)
        with pytest.raises(ConfigError, match="no_such_setting"):
            self.destination.configure(self.settings("http://127.0.0.1:9/hook") | {"no_such_setting": 1})

    def test_identity_is_stable_and_holds_no_secret(self) -> None:
        first = self.destination.identity(self.destination.configure(self.settings("http://a.test/hook")))
        again = self.destination.identity(self.destination.configure(self.settings("http://a.test/hook")))
        assert first == again
        assert not any(secret in first for secret in self.secrets)

    def test_every_record_arrives_once_and_within_the_limits(self, receiver: Receiver) -> None:
        changes = self.changes()
        trial = self.deliver(receiver, changes)
        limits = self.limits()
        assert trial.error is None
        assert trial.ledger.outcomes() == {"delivered": len(changes)}
        assert self.held(receiver) == {change.key for change in changes}
        arrived = Counter(key for request in receiver.requests() for key in request["keys"])
        assert set(arrived.values()) == {1}
        assert max(request["records"] for request in receiver.requests()) <= limits.records
        assert max(request["bytes"] for request in receiver.requests()) <= limits.bytes
        assert receiver.stats()["most_in_flight"] <= limits.concurrency

    def test_nothing_is_sent_for_no_records(self, receiver: Receiver) -> None:
        trial = self.deliver(receiver, [])
        assert trial.summary is not None
        assert trial.summary.requests == 0
        assert receiver.requests() == []

    @pytest.mark.parametrize("name", list(PASSING))
    def test_passing_faults_lose_nothing(self, receiver: Receiver, name: str) -> None:
        receiver.fail(*PASSING[name], seed=11)
        changes = self.changes()
        trial = self.deliver(receiver, changes)
        assert trial.error is None
        assert trial.ledger.outcomes() == {"delivered": len(changes)}
        assert self.held(receiver) == {change.key for change in changes}
        if self.idempotency_header is not None:
            assert receiver.stats()["accepted_twice"] == 0

    @pytest.mark.parametrize("name", list(LASTING))
    def test_lasting_faults_leave_each_record_one_honest_outcome(self, receiver: Receiver, name: str) -> None:
        fault, outcome = LASTING[name]
        receiver.fail(fault)
        trial = self.deliver(receiver, self.changes())
        offered = sum(resolution.records for resolution in trial.ledger.resolutions)
        assert len(trial.ledger.offers) == len(trial.ledger.resolutions)
        refused = trial.ledger.refusals()
        assert len(refused) == offered > 0
        assert {each.outcome for each in refused if each.attempts} == {outcome}
        assert {each.outcome for each in refused if not each.attempts} <= {"aborted"}
        assert not receiver.state() or outcome == "unknown"

    def test_an_unreachable_tool_leaves_everything_aborted(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            values = self.settings(f"http://127.0.0.1:{taken.getsockname()[1]}/hook")
            trial = deliver(self.destination, self.action, values, self.changes())
        assert set(trial.ledger.outcomes()) == {"aborted"}
        assert isinstance(trial.error, DestinationError)

    def test_one_bad_record_is_found_and_the_others_arrive(self, receiver: Receiver) -> None:
        bad = self.changes()[self.records // 3].key
        receiver.fail(
            Fault(kind="status", status=400, keys=(bad,)), Fault(kind="status", status=503, times=1)
        )
        trial = self.deliver(receiver, self.changes())
        refused = trial.ledger.refusals()
        assert [(each.key, each.outcome) for each in refused] == [(bad, Outcome.REJECTED)]
        assert self.held(receiver) == {change.key for change in self.changes()} - {bad}

    def test_too_large_requests_shrink_and_too_large_records_are_rejected(self, receiver: Receiver) -> None:
        giant = self.changes()[3].key
        receiver.fail(
            Fault(kind="status", status=413, records_over=2), Fault(kind="status", status=413, keys=(giant,))
        )
        trial = self.deliver(receiver, self.changes())
        assert [(each.key, each.outcome) for each in trial.ledger.refusals()] == [(giant, Outcome.REJECTED)]
        assert self.held(receiver) == {change.key for change in self.changes()} - {giant}

    def test_a_retry_is_the_same_request_and_is_recognised(self, receiver: Receiver) -> None:
        if self.idempotency_header is None:
            pytest.skip("the tool knows no idempotency key")
        receiver.fail(Fault(kind="lost", times=1), Fault(kind="status", status=503, after=True, times=1))
        self.deliver(receiver, self.changes())
        keys_of: dict[tuple[str, ...], set[str]] = {}
        for request in receiver.requests():
            sent_key = request["headers"][self.idempotency_header]
            keys_of.setdefault(tuple(request["keys"]), set()).add(sent_key)
        assert all(len(found) == 1 for found in keys_of.values())
        assert len({next(iter(found)) for found in keys_of.values()}) == len(keys_of)
        assert receiver.stats()["replays"] == 2

    def test_resumed_requests_are_the_same(self, receiver: Receiver) -> None:
        changes = self.changes()
        whole = self.deliver(receiver, changes)
        first = {
            tuple(request["keys"]): request["headers"].get(self.idempotency_header or "")
            for request in receiver.requests()
        }
        receiver.reset()
        known = whole.ledger.progress()
        half = len(known.resolved) // 2
        progress = type(known)(known.resolved[:half], known.resolved[half:])
        values = self.settings(receiver.url)
        trial = deliver(self.destination, self.action, values, changes, resume=progress)
        assert trial.error is None
        for request in receiver.requests():
            assert first[tuple(request["keys"])] == request["headers"].get(self.idempotency_header or "")

    def test_retry_after_is_honoured_by_all_requests(self, receiver: Receiver) -> None:
        receiver.fail(Fault(kind="status", status=429, headers={"Retry-After": "120"}, times=1))
        trial = self.deliver(receiver, self.changes())
        assert trial.ledger.outcomes() == {"delivered": self.records}
        assert trial.time.clock.monotonic() >= 120

    def test_refused_credentials_stop_it(self, receiver: Receiver) -> None:
        receiver.fail(Fault(kind="status", status=401, skip=1))
        changes = self.changes(20 * self.limits().concurrency * self.limits().records)
        trial = self.deliver(receiver, changes)
        assert isinstance(trial.error, AuthError)
        assert trial.error.hint
        assert len(receiver.requests()) <= 1 + 2 * self.limits().concurrency
        assert set(trial.ledger.outcomes()) <= {"delivered", "aborted"}

    def test_a_wrong_address_stops_it_without_rejecting(self, receiver: Receiver) -> None:
        receiver.fail(Fault(kind="status", status=404))
        trial = self.deliver(receiver, self.changes())
        assert trial.error is not None
        assert trial.error.code == "destination_wrong_address"
        assert len(receiver.requests()) <= self.limits().concurrency
        assert set(trial.ledger.outcomes()) == {"aborted"}

    def test_deletes_delete_and_a_missing_record_is_deleted(self, receiver: Receiver) -> None:
        if "deleted" not in self.destination.action(self.action).operations:
            pytest.skip("the action does not delete")
        self.deliver(receiver, self.changes())
        trial = self.deliver(receiver, self.changes(operation="deleted"))
        assert trial.ledger.outcomes() == {"delivered": self.records}
        assert self.held(receiver) == set()
        receiver.fail(Fault(kind="status", status=404))
        again = deliver(
            self.destination,
            self.action,
            self.settings(receiver.url),
            self.changes(operation="deleted"),
            sync="20260102-000000-abcdef",
        )
        assert again.error is None
        assert again.ledger.outcomes() == {"delivered": self.records}

    @pytest.mark.parametrize("status", [400, 401, 404, 500])
    def test_secrets_are_never_shown(
        self, receiver: Receiver, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        values = self.settings(receiver.url)
        settings = self.destination.configure(values)
        receiver.fail(
            Fault(kind="status", status=status, body=json.dumps({"message": " ".join(self.secrets)}))
        )
        trial = self.deliver(receiver, self.changes())
        error = trial.error.document() if trial.error else {}
        texts = [repr(settings), str(settings), repr(Call(settings, "p", "m", "s")), str(error), caplog.text]
        texts += [repr(refusal) for refusal in trial.ledger.refusals()]
        assert trial.ledger.refusals()
        for secret in self.secrets:
            assert secret not in " ".join(texts)
