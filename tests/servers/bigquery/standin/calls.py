"""One call of the API, and the log of all."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson
from tests.servers.bigquery.standin.accounts import Account
from tests.servers.bigquery.standin.errors import Refusal


@dataclass
class Call:
    """What was asked, and by whom."""

    name: str
    place: dict[str, str]
    parameters: dict[str, str]
    headers: dict[str, str]
    body: bytes
    account: Account | None = None
    status: int | None = None
    job: str | None = None

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body. Raises Refusal where it is none."""
        try:
            return orjson.loads(self.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise Refusal("parseError", f"Parse Error: {error}", code=400) from error

    def forget(self) -> None:
        """Drop the body, which may be large; what was said of the call stays."""
        self.body = b""
        self.__dict__.pop("json", None)

    @property
    def text(self) -> str:
        """The SQL in it, for faults to look at."""
        if self.name == "jobs.insert":
            return str(self.json.get("configuration", {}).get("query", {}).get("query", ""))
        return str(self.json.get("query", "")) if self.name == "jobs.query" else ""

    @property
    def labels(self) -> dict[str, str]:
        if self.name == "jobs.insert":
            return self.json.get("configuration", {}).get("labels") or {}
        return (self.json.get("labels") or {}) if self.name == "jobs.query" else {}


@dataclass
class Calls:
    """The calls so far, oldest first."""

    _calls: list[tuple[Call, str]] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def note(self, call: Call, line: str) -> None:
        with self._guard:
            self._calls.append((call, line))

    def shown(self, start: int = 0, project: str | None = None) -> list[dict[str, Any]]:
        with self._guard:
            calls = self._calls[start:]
        return [
            {
                "call": call.name,
                "line": line,
                "account": call.account.email if call.account else None,
                "status": call.status,
                "job": call.job or call.place.get("job"),
                "location": call.parameters.get("location"),
            }
            for call, line in calls
            if project is None or call.place.get("project") == project
        ]
