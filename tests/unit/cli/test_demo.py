"""The demo, with a few lines of Python in the place of Tailrace: its shop, its receiver, its verdict."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tailrace.cli.context import Globals, Invocation
from tailrace.cli.demo.process import ReceiverProcess, stop_kept
from tailrace.cli.demo.shop import Shop, differences
from tailrace.cli.demo.story import Demo
from tailrace.cli.output import Output
from tailrace.errors import ConfigError, TailraceError


def post(url: str, document: dict[str, Any]) -> dict[str, Any]:
    data = json.dumps(
        document, default=lambda value: float(value) if isinstance(value, Decimal) else str(value)
    )
    with urllib.request.urlopen(
        urllib.request.Request(url, data=data.encode(), method="POST"), timeout=10
    ) as answer:
        return json.loads(answer.read())


class Deliverer:
    """Sends what differs from the last time, as `tailrace sync` would."""

    def __init__(self, forget: str = "") -> None:
        self.sent: dict[str, Any] = {}
        self.lines: list[str] = []
        self.forget = forget

    def __call__(self, words: Sequence[str], folder: Path, output: int | None) -> int:
        self.lines.append(" ".join(words))
        return self.sync(folder) if words[0] == "sync" else 0

    def sync(self, folder: Path) -> int:
        url = yaml.safe_load((folder / "tailrace.yml").read_text())["destinations"]["crm"]["url"]
        wanted = Shop(folder).expected()
        changes = [
            {"operation": "updated" if key in self.sent else "added", "key": key, "id": "", "record": record}
            for key, record in wanted.items()
            if record != self.sent.get(key) and key != self.forget
        ]
        gone = self.sent.keys() - wanted.keys()
        changes += [{"operation": "deleted", "key": key, "id": "", "record": self.sent[key]} for key in gone]
        refused = {result["key"] for result in post(url, {"records": changes})["results"]}
        self.sent = {**{k: v for k, v in wanted.items() if k not in refused}}
        return 3 if refused else 0


def play(folder: Path, deliver: Deliverer, *, keep: bool = False, out: Output | None = None) -> int:
    return Demo(Invocation(Globals(), out or Output()), folder, keep_receiver=keep, execute=deliver).play()


def test_the_demo_tells_its_story_and_runs_twice_in_a_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        deliver = Deliverer()
        assert play(tmp_path / "demo", deliver) == 0
        told = capsys.readouterr().out
        assert deliver.lines == [
            "check",
            "sync",
            "plan customers_to_crm --samples 1",
            "sync customers_to_crm",
            "rejections customers_to_crm",
            "why customers_to_crm 42",
        ]
        assert all(f"$ tailrace {line}\n" in told for line in deliver.lines)
        assert "The receiver holds 3,000 records; it saw 1 request: 3,000 added" in told
        assert "The receiver holds 3,025 records" in told
        assert "Equal to the model, the refused one aside: yes." in told


def test_the_demo_says_no_where_a_record_was_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert play(tmp_path / "demo", Deliverer(forget="1000")) == 1
    assert "Equal to the model, the refused one aside: no: 1000." in capsys.readouterr().out


def test_the_demo_stops_where_a_command_ends_unexpectedly(tmp_path: Path) -> None:
    with pytest.raises(TailraceError, match="`tailrace check` ended with 1, and 0 was expected"):
        Demo(
            Invocation(Globals(), Output(quiet=True)),
            tmp_path / "d",
            keep_receiver=True,
            execute=lambda *_: 1,
        ).play()


def test_with_json_the_demo_answers_one_document(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert play(tmp_path / "demo", Deliverer(), out=Output(json=True)) == 0
    captured = capfd.readouterr()
    document = json.loads(captured.out)
    assert document["equal"] is True
    assert document["steps"][0] == {"command": "tailrace check", "exit_code": 0}
    assert document["receiver"]["refused_keys"] == ["42"]
    assert "$ tailrace check" in captured.err


def test_a_kept_receiver_runs_on_until_the_next_demo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "demo"
    assert play(folder, Deliverer(), keep=True) == 0
    notes = json.loads((folder / ".tailrace-demo").read_text())
    url = notes["url"]
    try:
        assert len(json.loads(urllib.request.urlopen(f"{url}/records", timeout=10).read())) == 3025
        with pytest.raises(urllib.error.HTTPError, match="403"):
            post(f"{url}/stop", {})
        assert play(folder, Deliverer()) == 0
    finally:
        stop_kept(url, notes["token"])
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/summary", timeout=10)


def test_a_folder_of_someone_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "tailrace.yml").write_text("mine")
    with pytest.raises(ConfigError, match="was not made by the demo"):
        play(tmp_path, Deliverer())
    assert (tmp_path / "tailrace.yml").read_text() == "mine"


def test_a_file_that_a_user_put_into_the_demo_survives_the_next_one(tmp_path: Path) -> None:
    assert play(tmp_path / "demo", Deliverer(), out=Output(quiet=True)) == 0
    (tmp_path / "demo" / "notes.txt").write_text("mine")
    assert play(tmp_path / "demo", Deliverer(), out=Output(quiet=True)) == 0
    assert (tmp_path / "demo" / "notes.txt").read_text() == "mine"


def test_the_receiver_ends_with_the_process_that_started_it() -> None:
    receiver = ReceiverProcess(keep=False)
    assert receiver.get("/summary") == {"records": 0, "refused_keys": []}
    receiver.close()
    with pytest.raises(ProcessLookupError):
        os.kill(receiver.pid, 0)


def test_the_shop_is_the_same_each_time_and_of_the_promised_size(tmp_path: Path) -> None:
    shops = [Shop(tmp_path / name) for name in ("a", "b")]
    for shop in shops:
        shop.build("http://127.0.0.1:1/crm", {})
        shop.run("edits.sql")
    first, second = (shop.expected() for shop in shops)
    assert first == second
    assert len(first) == 3025


@pytest.mark.parametrize(
    ("held", "different"),
    [
        ({"1": {"a": 1}, "2": {"a": 2}}, []),
        ({"1": {"a": 1}}, ["2"]),
        ({"1": {"a": 1}, "2": {"a": 3}}, ["2"]),
        ({"1": {"a": 1}, "2": {"a": 2}, "9": {}}, ["9"]),
    ],
)
def test_differences_are_missing_wrong_and_superfluous_records(
    held: dict[str, Any], different: list[str]
) -> None:
    expected = {"1": {"a": 1}, "2": {"a": 2}, "3": {"a": 3}}
    assert differences(held, expected, {"3"}) == different


def test_the_command_builds_the_demo_where_it_is_told(
    tailrace: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tailrace.cli.demo.story.execute_tailrace", Deliverer())
    assert tailrace("demo", "--dir", "shop", "--quiet").code == 0
    assert (tmp_path / "shop" / "shop.duckdb").exists()


def test_the_receiver_takes_a_test_message_and_refuses_what_it_does_not_know() -> None:
    receiver = ReceiverProcess(keep=False)
    try:
        assert post(f"{receiver.url}/crm", {"type": "tailrace.test", "data": {}}) == {"results": []}
        with pytest.raises(urllib.error.HTTPError, match="400"):
            post(f"{receiver.url}/crm", {"name": "Ada"})
        assert receiver.get("/summary") == {"records": 0, "requests": 0, "refused_keys": []}
    finally:
        receiver.close()
