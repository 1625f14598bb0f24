"""Commands over several mappings: one failure must not hide what the others did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tailrace.cli.context import Invocation, require_known
from tailrace.errors import Cancelled, TailraceError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from tailrace.service.workspace import Workspace

D = TypeVar("D", bound="BaseModel")


class Collected(Generic[D]):
    """The documents that came, and the error that ended them, if one did."""

    def __init__(self) -> None:
        self.documents: list[D] = []
        self.error: TailraceError | None = None

    def each(self, documents: Iterable[D]) -> Iterator[D]:
        """Pass the documents on and keep them; an error before the first is raised, a later one is kept."""
        try:
            for document in documents:
                self.documents.append(document)
                yield document
        except TailraceError as error:
            if not self.documents:
                raise
            self.error = error

    def document(self, name: str) -> dict[str, Any]:
        """`{name: [documents]}`, and the error beside them if there was one."""
        made: dict[str, Any] = {name: [each.model_dump(mode="json") for each in self.documents]}
        if self.error is not None:
            made["error"] = self.error.document()
        return made

    def failed(self, run: Invocation) -> list[int]:
        """The exit code of the kept error, shown to people unless they asked for JSON."""
        if self.error is None:
            return []
        if not run.out.json and not isinstance(self.error, Cancelled):
            from tailrace.cli.failures import show_error

            show_error(self.error)
        return [self.error.exit_code]


def require_mappings(workspace: Workspace, names: Sequence[str]) -> None:
    """Raises ConfigError with the nearest name where a mapping is not in the files."""
    if names:
        require_known(names, [each.mapping for each in workspace.mappings().mappings], "mapping")
