"""The webhook's wire format, exactly."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest

from tailrace.destinations.define import Answer, Call
from tailrace.destinations.registry import destination_type, destination_types
from tailrace.destinations.results import results_by_key
from tailrace.destinations.webhook import webhook
from tailrace.errors import ConfigError

SEND = webhook.action("send")
RECORDS = [
    ('{"n":1,"t":"Zoë ☂"}', "added", 'it\'s "1"', "i1"),
    ('{"n":12345678901234567890}', "deleted", "2", "i2"),
]


def call(**settings: Any) -> Call:
    values = {"url": "https://a.test/hook"} | settings
    return Call(webhook.configure(values), "it's a shop", "customers", "20260101-000000-abc")


def body(count: int, **settings: Any) -> str:
    which = call(**settings)
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE r (payload VARCHAR, _operation VARCHAR, _key VARCHAR, id VARCHAR)")
        connection.executemany("INSERT INTO r VALUES (?, ?, ?, ?)", RECORDS[:count])
        rows = connection.execute(f"SELECT {SEND.item(which)} FROM r").fetchall()
    items = "".join(row[0] for row in rows).encode()
    items = items[: len(items) - len(SEND.separator(which))]
    return SEND.body(memoryview(items), count, which).decode()


def document(at: int) -> dict[str, Any]:
    payload, operation, key, record_id = RECORDS[at]
    return {"operation": operation, "key": key, "id": record_id, "record": json.loads(payload)}


ABOUT = {"project": "it's a shop", "mapping": "customers", "sync": "20260101-000000-abc"}


def test_one_record() -> None:
    assert json.loads(body(1)) == ABOUT | document(0)
    assert "Zoë ☂" in body(1)


@pytest.mark.parametrize("count", [1, 2])
def test_a_batch(count: int) -> None:
    text = body(count, batch=100)
    assert json.loads(text) == ABOUT | {"records": [document(at) for at in range(count)]}
    assert count == 1 or '"n":12345678901234567890' in text


def test_bare_records() -> None:
    assert json.loads(body(1, envelope="none")) == {"n": 1, "t": "Zoë ☂"}
    assert [record["n"] for record in json.loads(body(2, envelope="none", batch=2))] == [
        1,
        12345678901234567890,
    ]


@pytest.mark.parametrize("count", [1, 2])
def test_lines(count: int) -> None:
    text = body(count, format="ndjson", batch=count)
    assert text.endswith("\n")
    assert [json.loads(line) for line in text.splitlines()] == [ABOUT | document(at) for at in range(count)]
    assert len(body(2, format="ndjson", batch=2, envelope="none").splitlines()) == 2


def test_headers() -> None:
    headers = SEND.headers(call(headers={"Authorization": "Bearer x"}), "key-1", b"{}", 1_700_000_000.9)
    assert headers == {
        "Content-Type": "application/json",
        "Idempotency-Key": "key-1",
        "Authorization": "Bearer x",
    }
    lines = SEND.headers(call(format="ndjson"), "k", b"{}", 0.0)
    assert lines["Content-Type"] == "application/x-ndjson"
    own = SEND.headers(call(headers={"content-type": "application/vnd.api+json"}), "k", b"{}", 0.0)
    assert {name.lower() for name in own} == {"content-type", "idempotency-key"}
    assert own["content-type"] == "application/vnd.api+json"


def test_signatures_are_those_of_standard_webhooks() -> None:
    old, new = b"o" * 24, b"n" * 32
    secret = " ".join(f"whsec_{base64.b64encode(each).decode()}" for each in (new, old))
    headers = SEND.headers(call(secret=secret), "msg_1", b'{"a":1}', 1_700_000_000.9)
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("msg_1", "1700000000")
    signed = b'msg_1.1700000000.{"a":1}'
    expected = [
        "v1," + base64.b64encode(hmac.new(each, signed, hashlib.sha256).digest()).decode()
        for each in (new, old)
    ]
    assert headers["webhook-signature"].split(" ") == expected


def test_the_example_of_the_specification() -> None:
    headers = SEND.headers(
        call(secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        1_614_265_330.0,
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", ["whsec_@@", "not base64!", "whsec_"])
def test_a_secret_that_cannot_sign_is_refused(secret: str) -> None:
    with pytest.raises(ConfigError, match="secret") as caught:
        call(secret=secret)
    assert secret not in caught.value.message


@pytest.mark.parametrize("secret", ["", " "])
def test_a_secret_that_turns_out_empty_leaves_no_request_unsigned(secret: str) -> None:
    with pytest.raises(ConfigError, match="`secret` is empty"):
        call(secret=secret)


def test_identity_is_scheme_host_port_and_path() -> None:
    def identity(url: str, **settings: Any) -> str:
        return webhook.identity(webhook.configure({"url": url} | settings))

    same = identity("https://a.test/hook")
    assert same == identity("https://A.test:443/hook?token=new", batch=5, headers={"X": "1"})
    others = ["http://a.test/hook", "https://b.test/hook", "https://a.test:444/hook", "https://a.test/hook2"]
    assert len({same, *(identity(url) for url in others)}) == 5
    assert identity("https://a.test") == identity("https://a.test/")


def test_limits_follow_the_settings() -> None:
    which = webhook.configure(
        {
            "url": "https://a.test/",
            "batch": 10_000,
            "concurrency": 9,
            "requests_per_second": 2,
            "timeout": "40s",
        }
    )
    limits = SEND.limits(which)
    assert (limits.records, limits.bytes, limits.concurrency) == (10_000, 4_000_000, 9)
    assert (limits.requests_per_second, limits.timeout, limits.retry_for) == (2, 40, 900)


@dataclass(frozen=True)
class _Records:
    keys: Sequence[str]
    operations: Sequence[str]
    record_ids: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.keys)


def read(content: bytes, status: int = 200) -> dict[int, tuple[str, str]] | None:
    records = _Records(["a", "b", "7"], ["added", "deleted", "added"])
    reading = SEND.read(Answer(status, {}, content), records, call())
    return {at: (each.status, each.code) for at, each in reading.results.items()} if reading else None


def test_results_are_found_by_key_in_any_order() -> None:
    content = json.dumps(
        {"results": [{"key": 7, "status": "retry"}, {"key": "a", "status": "rejected", "code": "bad"}]}
    ).encode()
    assert read(content) == {0: ("rejected", "bad"), 2: ("retry", "")}


@pytest.mark.parametrize(
    "content", [b"", b"OK", b'{"results": 5}', b'["results"]', b'{"results": [', b'{"accepted": 3}']
)
def test_other_answers_accept_everything(content: bytes) -> None:
    assert read(content) is None
    assert read(b'{"results": [{"key": "a", "status": "rejected"}]}', status=400) is None


def test_an_operation_that_differs_and_strangers_are_ignored_with_a_warning() -> None:
    entries = [
        {"key": "b", "operation": "added", "status": "rejected"},
        {"key": "zz", "status": "retry"},
        "junk",
    ]
    reading = results_by_key(entries, _Records(["a", "b"], ["added", "deleted"]))
    assert reading.results == {}
    assert "request: 3" in reading.warnings[0]


def test_of_several_results_for_a_record_the_gravest_counts() -> None:
    entries = [{"key": "a", "status": status} for status in ("delivered", "rejected", "retry")]
    assert results_by_key(entries, _Records(["a"], ["added"])).results[0].status == "rejected"
    assert (
        results_by_key([{"key": "a", "status": "??"}], _Records(["a"], ["added"])).results[0].status
        == "unknown"
    )


def test_it_is_found_by_its_entry_point() -> None:
    assert "webhook" in destination_types()
    assert destination_type("webhook") is webhook
    with pytest.raises(ConfigError, match="no destination type") as caught:
        destination_type("webhok")
    assert caught.value.hint == "Did you mean `webhook`?"
    with pytest.raises(ConfigError, match="no action") as caught:
        webhook.action("sned")
    assert caught.value.hint == "Did you mean `send`?"
