"""The mapping as planned (R12, R18): what a sealed plan is rendered and sent with, whatever the files say later."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.destinations.define import Destination
from tailrace.errors import StateError
from tailrace.sources.base import Column, Kind
from tailrace.spec.references import hide

LAYOUT = 1
_DIGEST = "sha256:"


@dataclass(frozen=True, slots=True)
class PinnedMapping:
    """What of a mapping is kept in the warehouse with its plan; no secret is in it."""

    project: str
    mapping: str
    fields: dict[str, Any] | None
    columns: tuple[Column, ...]
    operations: frozenset[str]
    destination: str
    type: str
    action: str
    settings: Mapping[str, Any]
    """As written: references stay references, literals in secret settings are digests."""

    def document(self) -> dict[str, Any]:
        """The JSON that the checkpoint keeps."""
        return {
            "layout": LAYOUT,
            "project": self.project,
            "mapping": self.mapping,
            "fields": self.fields,
            "columns": [[column.name, column.kind.value, column.native] for column in self.columns],
            "operations": sorted(self.operations),
            "destination": self.destination,
            "type": self.type,
            "action": self.action,
            "settings": dict(self.settings),
        }


def pin(
    project: str,
    mapping: str,
    fields: dict[str, Any] | None,
    columns: Sequence[Column],
    operations: frozenset[str],
    destination: str,
    declaration: Destination,
    action: str,
    settings: Mapping[str, Any],
) -> PinnedMapping:
    """Pin a mapping; `settings` are the destination's, as written in the files."""
    return PinnedMapping(
        project,
        mapping,
        fields,
        tuple(columns),
        operations,
        destination,
        declaration.type,
        action,
        hide(dict(settings), secret_settings(declaration)),
    )


def unpin(document: Mapping[str, Any]) -> PinnedMapping:
    """The pinned mapping from a checkpoint's JSON. Raises StateError for one that cannot be read."""
    try:
        if document["layout"] != LAYOUT:
            raise ValueError(f"layout {document['layout']}")
        return PinnedMapping(
            document["project"],
            document["mapping"],
            document["fields"],
            tuple(Column(name, Kind(kind), native) for name, kind, native in document["columns"]),
            frozenset(document["operations"]),
            document["destination"],
            document["type"],
            document["action"],
            document["settings"],
        )
    except (KeyError, ValueError, TypeError) as error:
        raise StateError(
            f"The mapping stored with the last plan cannot be read ({error}).",
            hint="Set the mapping's `on_change` to `resend` or `keep`, or use the Tailrace that made that plan.",
            code="state_unreadable",
        ) from error


def secret_settings(declaration: Destination) -> Collection[str]:
    """The settings whose literals never enter the warehouse: secrets, headers and addresses."""
    return {field.name for field in declaration.settings if field.secret or field.type in ("headers", "url")}


def settle(pinned: Mapping[str, Any], written: Mapping[str, Any], declaration: Destination) -> dict[str, Any]:
    """The pinned settings made whole: where a digest stands, what the files say now is taken (R18).

    A secret that has left the files since is left out.
    """
    secret = secret_settings(declaration)
    settled = {
        name: _settled(value, written.get(name)) if name in secret else value
        for name, value in pinned.items()
    }
    return {name: value for name, value in settled.items() if value is not None}


def _settled(pinned: Any, written: Any) -> Any:
    if isinstance(pinned, str):
        return written if _DIGEST in pinned else pinned
    if isinstance(pinned, Mapping):
        there = written if isinstance(written, Mapping) else {}
        found = {name: _settled(value, there.get(name)) for name, value in pinned.items()}
        return {name: value for name, value in found.items() if value is not None}
    if isinstance(pinned, list):
        there = written if isinstance(written, list) else []
        found = [_settled(value, there[at] if at < len(there) else None) for at, value in enumerate(pinned)]
        return [value for value in found if value is not None]
    return pinned
