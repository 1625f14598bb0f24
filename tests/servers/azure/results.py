"""What a statement gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.servers.azure.types import SqlType


@dataclass(frozen=True)
class Rows:
    """Rows, in batches given by column."""

    names: Sequence[str]
    types: Sequence[SqlType]
    batches: Iterator[Sequence[Sequence[Any]]]


@dataclass(frozen=True)
class Count:
    """So many rows were touched by a command; None where nothing is counted."""

    count: int | None
    command: str = ""


@dataclass(frozen=True)
class Notice:
    """A message that is no error."""

    number: int
    words: str


@dataclass(frozen=True)
class Begun:
    """A transaction began."""

    descriptor: int


@dataclass(frozen=True)
class Ended:
    """A transaction ended."""

    descriptor: int
    committed: bool


Outcome = Rows | Count | Notice | Begun | Ended
