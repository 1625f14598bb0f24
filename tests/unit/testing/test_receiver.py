"""The fault-injecting receiver: it holds what it accepted, counts what came twice, and is as strict as it says."""

from __future__ import annotations

import gzip
import http.client
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from tailrace.testing.faults import Fault
from tailrace.testing.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def post(
    receiver: Receiver, document: Any, key: str = "", path: str = "/hook", **headers: str
) -> tuple[int, Any]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    own = {"Idempotency-Key": key} if key else {}
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    with closing(http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)) as connection:
        connection.request("POST", path, body, own | named)
        with connection.getresponse() as reply:
            return reply.status, json.loads(reply.read())


def batch(*keys: str, operation: str = "added") -> dict[str, Any]:
    return {
        "project": "shop",
        "records": [
            {"operation": operation, "key": key, "id": f"{operation}-{key}", "record": {"k": key}}
            for key in keys
        ],
    }


def test_it_keeps_and_deletes_by_key_and_path(receiver: Receiver) -> None:
    post(receiver, batch("a", "b"))
    post(receiver, batch("a", operation="deleted"))
    post(receiver, batch("z"), path="/other")
    assert receiver.state() == {"b": {"k": "b"}}
    assert receiver.state("/other") == {"z": {"k": "z"}}
    assert [entry.operation for entry in receiver.history("a")] == ["added", "deleted"]
    assert receiver.stats()["accepted"] == {"added": 3, "deleted": 1}


def test_it_understands_every_shape_of_the_webhook(receiver: Receiver) -> None:
    one = {"operation": "added", "key": "1", "id": "x", "record": {"n": 1}}
    post(receiver, {"project": "p", **one})
    post(receiver, b'{"id": "2"}\n{"id": "3"}\n', Content_Type="application/x-ndjson")
    post(receiver, [{"id": 4}, {"id": 5}])
    post(receiver, gzip.compress(json.dumps({"id": "6"}).encode()), Content_Encoding="gzip")
    assert set(receiver.state()) == {"1", "2", "3", "4", "5", "6"}
    assert post(receiver, b"[1, 2")[0] == 400
    assert post(receiver, b'{"records": [{"operation": "added"}]}')[0] == 200


def test_an_idempotency_key_is_honoured_strictly(receiver: Receiver) -> None:
    assert post(receiver, batch("a"), "k1") == (200, {})
    assert post(receiver, batch("a"), "k1") == (200, {})
    assert post(receiver, batch("b"), "k1")[0] == 422
    assert len(receiver.history("a")) == 1
    stats = receiver.stats()
    assert (stats["replays"], stats["resent"], stats["accepted_twice"]) == (1, 1, 0)


def test_a_twin_of_a_request_at_work_gets_409(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="latency", seconds=1.0, times=1))
    first = threading.Thread(target=post, args=(receiver, batch("a"), "k1"))
    first.start()
    while not receiver.stats()["requests"]:
        time.sleep(0.005)
    twin, _ = post(receiver, batch("a"), "k1")
    first.join()
    assert twin == 409


def test_a_lenient_one_applies_twice() -> None:
    with Receiver(strict=False) as receiver:
        post(receiver, batch("a"), "k1")
        post(receiver, batch("a"), "k1")
        assert receiver.stats()["accepted_twice"] == 1


def test_answers_after_accepting_are_repeated_as_faults_and_not_applied_again(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="status", status=500, after=True, times=2))
    assert [post(receiver, batch("a"), "k1")[0] for _ in range(3)] == [500, 500, 200]
    assert len(receiver.history("a")) == 1


@pytest.mark.parametrize(
    ("kind", "accepted"), [("reset", False), ("lost", True), ("truncate", True), ("garbage", True)]
)
def test_answers_that_do_not_arrive(receiver: Receiver, kind: Any, accepted: bool) -> None:
    receiver.fail(Fault(kind=kind))
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        post(receiver, batch("a"))
    assert bool(receiver.state()) is accepted


def test_results_name_the_refused_records_in_any_order(receiver: Receiver) -> None:
    receiver.fail(Fault(kind="results", keys=("a", "c"), result={"status": "rejected", "code": "bad"}))
    status, answer = post(receiver, batch("a", "b", "c"))
    assert status == 200
    assert {entry["key"] for entry in answer["results"]} == {"a", "c"}
    assert set(receiver.state()) == {"b"}


def test_rules_count_skip_and_look(receiver: Receiver) -> None:
    receiver.fail(
        Fault(kind="status", status=401, skip=1, times=1),
        Fault(kind="status", status=413, records_over=2),
        Fault(kind="status", status=404, operation="deleted"),
        Fault(kind="status", status=409, keys=("x",)),
    )
    answers = [
        post(receiver, document)[0]
        for document in (
            batch("a"),
            batch("a"),
            batch("a", "b", "c"),
            batch("a", operation="deleted"),
            batch("x"),
        )
    ]
    assert answers == [200, 401, 413, 404, 409]
    assert receiver.fired() == [1, 1, 1, 1]


def test_chance_is_seeded() -> None:
    def run() -> list[int]:
        with Receiver(faults=[Fault(kind="status", status=503, probability=0.5)], seed=3) as receiver:
            return [post(receiver, batch(str(n)))[0] for n in range(12)]

    first = run()
    assert first == run()
    assert len(set(first)) == 2


def test_unknown_rules_are_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        Fault.of({"kind": "status", "colour": "red"})


def test_as_a_process_it_is_steered_over_http() -> None:
    command = [sys.executable, "-m", "tailrace.testing.receiver", "--port", "0", "--count"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        base = url.removesuffix("/hook")
        port = urlsplit(url).port
        assert port
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            for _ in range(3):
                connection.request("POST", "/hook", b"anything")
                assert connection.getresponse().read() == b"{}"
            connection.close()
            with urllib.request.urlopen(f"{base}/__stats") as reply:
                assert json.load(reply)["requests"] == 3
            rules = urllib.request.Request(f"{base}/__faults", data=b'[{"kind": "nonsense", "x": 1}]')
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(rules)
            refused.value.close()
            with urllib.request.urlopen(f"{base}/__reset", data=b"") as reply:
                assert json.load(reply) == {}
        finally:
            process.terminate()


def test_its_state_is_readable_over_http(receiver: Receiver) -> None:
    post(receiver, batch("a"))
    base = receiver.url.removesuffix("/hook")
    with urllib.request.urlopen(f"{base}/__state") as reply:
        assert json.load(reply) == {"collections": {"/hook": {"a": {"k": "a"}}}}
    with urllib.request.urlopen(f"{base}/__history?key=a") as reply:
        assert len(json.load(reply)["history"]) == 1
    with urllib.request.urlopen(f"{base}/__requests") as reply:
        assert json.load(reply)["requests"][0]["keys"] == ["a"]
