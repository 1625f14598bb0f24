"""What a destination is: a declaration of settings, actions and limits, and small functions without any I/O.

The delivery engine owns HTTP, retries, rates and the verdict on each answer; nothing here opens a
connection or sleeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from urllib.parse import urlsplit

from tailrace.destinations.auth import Auth, no_auth
from tailrace.destinations.fields import Field, Settings, validate
from tailrace.errors import ConfigError
from tailrace.spec.suggest import did_you_mean

OPERATIONS = frozenset({"added", "updated", "deleted"})


@dataclass(frozen=True, slots=True)
class Call:
    """What a destination's functions may know: its settings, and for which sync they work."""

    settings: Settings
    project: str
    mapping: str
    sync: str


class Records(Protocol):
    """The records of one request, in its order."""

    def __len__(self) -> int: ...

    @property
    def keys(self) -> Sequence[str]: ...

    @property
    def operations(self) -> Sequence[str]: ...

    @property
    def record_ids(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Request:
    """Where a request goes; the body is made by the action's `body`."""

    method: str
    url: str

    @property
    def origin(self) -> str:
        """Scheme, host and port: what may be shown of the address, whose path and query can hold tokens."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; header names are found in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    complete: bool = True
    """False where the answer was cut short, or longer than the engine reads."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the destination says of one record."""

    status: Literal["delivered", "rejected", "retry", "unknown"]
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """The per-record results found in an answer, by the record's index in the request."""

    results: Mapping[int, Result] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a request may carry and how fast they may come: facts of the destination or its settings."""

    records: int = 1
    bytes: int = 4_000_000
    """Of the body before compression."""
    concurrency: int = 4
    requests_per_second: float | None = None
    timeout: float = 30.0
    retry_for: float = 900.0
    one_operation: bool = False
    """A request holds records of one operation only."""
    answer_bytes: int = 1 << 20
    """Longer answers are not read to their end; a success that is longer counts as cut short."""


def _nothing_read(_answer: Answer, _records: Records, _call: Call) -> Reading | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing a destination can do with records.

    `item` is a DuckDB SQL expression over `payload` (JSON text), `_key`, `_operation` and `id` that gives one
    record's text in a request, ended by `separator`; `body` wraps the joined texts (the last separator already
    taken off). `read` finds per-record results in an answer, and gives None where the status alone decides. It
    is asked for whole answers of success, and for those that refuse a request (400, 422 …), since some tools
    name the bad records there and accept the rest.
    """

    name: str
    title: str
    description: str = ""
    fields: tuple[Field, ...] = ()
    """Empty: any fields."""
    operations: frozenset[str] = OPERATIONS
    limits: Callable[[Settings], Limits]
    request: Callable[[Call], Request]
    item: Callable[[Call], str]
    separator: Callable[[Call], bytes] = lambda _call: b","
    body: Callable[[memoryview, int, Call], bytes]
    headers: Callable[[Call, str, bytes, float], dict[str, str]]
    """Of one attempt: call, idempotency key, the exact bytes sent, unix time."""
    gzip: Callable[[Settings], bool] = lambda _settings: False
    read: Callable[[Answer, Records, Call], Reading | None] = _nothing_read
    undecided: Literal["delivered", "rejected", "unknown"] = "delivered"
    """What a success means for a record that has no result of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCall:
    """A request that proves address and credentials without changing anything of value."""

    __test__ = False

    description: str
    body: bytes
    request: Callable[[Call], Request]
    headers: Callable[[Call, str, bytes, float], dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """One type of business tool."""

    type: str
    title: str
    description: str
    settings: tuple[Field, ...]
    actions: tuple[Action, ...]
    identity: Callable[[Settings], str]
    """Which account this is; a mapping is blocked when it changes, until a user decides (R18)."""
    test: TestCall | None = None
    auth: Callable[[Settings], Auth] = no_auth

    def configure(
        self, values: Mapping[str, object], *, where: str = "", references: bool = False
    ) -> Settings:
        """Validated settings; raises ConfigErrors.

        With `references`, values that hold `${…}` are taken as they are, to check files without resolving.
        """
        return validate(self.settings, values, where=where, references=references)

    def action(self, name: str) -> Action:
        """The action of that name; raises ConfigError."""
        for action in self.actions:
            if action.name == name:
                return action
        raise ConfigError(
            f"The destination type `{self.type}` has no action `{name}`.",
            hint=did_you_mean(name, [action.name for action in self.actions]),
        )
