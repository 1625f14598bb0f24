"""Checks what the parts of a project say of each other: names that must exist, states not shared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tailrace.errors import ConfigError
from tailrace.spec.mapping import MappingSpec
from tailrace.spec.nodes import Node
from tailrace.spec.suggest import did_you_mean

_LINKS = (
    ("models", "source", "sources"),
    ("mappings", "model", "models"),
    ("mappings", "destination", "destinations"),
)


def check_links(root: Node, mappings: Mapping[str, MappingSpec]) -> Iterator[ConfigError]:
    """What does not fit together, each at its place; a name counts even where its entry is wrong."""
    for section, key, target in _LINKS:
        known = _entries(root, target)
        for name, entry in _entries(root, section).items():
            link = entry.child(key)
            if link and isinstance(link.value, str) and link.value not in known:
                yield ConfigError(
                    f"There is no {target.removesuffix('s')} `{link.value}`.",
                    hint=did_you_mean(link.value, known),
                    where=root.locate((section, name, key)),
                )
    yield from _shared_states(root, mappings)


def _entries(root: Node, section: str) -> dict[str, Node]:
    node = root.child(section)
    return node.value if node and isinstance(node.value, dict) else {}


def _shared_states(root: Node, mappings: Mapping[str, MappingSpec]) -> Iterator[ConfigError]:
    owners: dict[str, str] = {}
    for name, mapping in mappings.items():
        first = owners.setdefault(mapping.id, name)
        if first != name:
            other = root.locate(("mappings", first))
            yield ConfigError(
                f"The mappings `{first}` ({other.file}:{other.line}) and `{name}` have the same id:"
                f" `{mapping.id}`.",
                hint="Each mapping owns its own state: give one of them another `id`.",
                where=root.locate(("mappings", name, "id")),
            )
    project = root.child("project")
    own = f"{project.value}/" if project else ""
    heirs: dict[str, str] = {}
    for name, mapping in mappings.items():
        if mapping.previously is None:
            continue
        where = root.locate(("mappings", name, "previously"))
        before = mapping.previously.removeprefix(own)
        heir = heirs.setdefault(before, name)
        if heir != name:
            yield ConfigError(
                f"The mappings `{heir}` and `{name}` were both previously `{before}`.",
                hint="Only one of them can take over that state.",
                where=where,
            )
        elif before in owners:
            yield ConfigError(
                f"`{before}` is still the id of the mapping `{owners[before]}`.",
                hint="`previously` names an id that no mapping has any more: remove it, or the old mapping.",
                where=where,
            )
