"""What the fault-injecting receiver can do wrong: rules with conditions, by script or seeded chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from random import Random
from typing import Any, Literal

Kind = Literal["status", "latency", "reset", "lost", "slow", "truncate", "oversize", "garbage", "results"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One rule. Its conditions are those of the first group, all of which must hold for a request.

    Kinds: `status` answers `status` with `headers` (a redirect is a 302 with Location); `latency` waits
    `seconds` and goes on to the next rule; `reset` breaks the connection; `lost` accepts and closes without
    an answer; `slow` accepts and trickles the answer over `seconds`; `truncate` accepts and closes amid the
    answer; `oversize` accepts and answers with `size` bytes; `garbage` accepts and answers something that is
    not HTTP; `results` accepts all but the records in `keys` (or each with `chance`), and answers `result`
    for those, in any order.
    """

    kind: Kind
    # conditions
    skip: int = 0
    """Let so many requests that match pass first."""
    times: int | None = None
    """Fire at most so often."""
    probability: float = 1.0
    path: str | None = None
    keys: tuple[str, ...] = ()
    """The request holds one of these."""
    operation: str | None = None
    """The request holds nothing but this operation."""
    records_over: int | None = None
    bytes_over: int | None = None
    # what happens
    status: int = 503
    after: bool = False
    """Accept the records before the fault."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    seconds: float = 0.0
    size: int = 2 << 20
    result: Mapping[str, str] = field(default_factory=lambda: {"status": "rejected", "code": "invalid"})
    chance: float = 0.0

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Fault:
        """A rule from JSON; raises ValueError where a name is unknown."""
        known = {each.name for each in fields(cls)}
        if unknown := set(document) - known:
            raise ValueError(
                f"a fault has no {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}"
            )
        return cls(**{**document, "keys": tuple(document.get("keys", ()))})

    def document(self) -> dict[str, Any]:
        """The rule as JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Hit:
    """What rules look at in a request."""

    path: str
    keys: frozenset[str]
    operations: frozenset[str]
    records: int
    bytes: int


class FaultPlan:
    """Rules in their order, how often each matched and fired, and the dice."""

    def __init__(self, faults: Iterable[Fault] = (), seed: int = 0) -> None:
        self._rules = list(faults)
        self._matched = [0] * len(self._rules)
        self._fired = [0] * len(self._rules)
        self.random = Random(seed)

    @property
    def empty(self) -> bool:
        """Nothing will ever go wrong."""
        return not self._rules

    def fired(self) -> list[int]:
        """How often each rule fired."""
        return list(self._fired)

    def next(self, hit: Hit) -> list[Fault]:
        """What happens to this request: any latencies, then at most one other fault."""
        found: list[Fault] = []
        for index, rule in enumerate(self._rules):
            if not _matches(rule, hit):
                continue
            self._matched[index] += 1
            if self._matched[index] <= rule.skip or (
                rule.times is not None and self._fired[index] >= rule.times
            ):
                continue
            if rule.probability < 1.0 and self.random.random() >= rule.probability:
                continue
            self._fired[index] += 1
            found.append(rule)
            if rule.kind != "latency":
                break
        return found


def _matches(rule: Fault, hit: Hit) -> bool:
    return (
        (rule.path is None or rule.path == hit.path)
        and (not rule.keys or rule.kind == "results" or not hit.keys.isdisjoint(rule.keys))
        and (rule.operation is None or hit.operations == {rule.operation})
        and (rule.records_over is None or hit.records > rule.records_over)
        and (rule.bytes_over is None or hit.bytes > rule.bytes_over)
    )
