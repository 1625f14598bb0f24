"""Who may use a state after renames: one mapping of the project, and no state is looked for in vain unnoticed."""

from __future__ import annotations

from dataclasses import replace

from tailrace.errors import StateError
from tailrace.runtime.prepared import state_names
from tailrace.sources.base import Session, Source
from tailrace.spec.mapping import MappingSpec
from tailrace.spec.project import Project
from tailrace.state.checkpoint import Checkpoint
from tailrace.state.names import StateNames
from tailrace.state.renames import follow


def check_heir(
    session: Session,
    source: Source,
    project: Project,
    mapping: MappingSpec,
    names: StateNames,
    found: Checkpoint,
) -> None:
    """Hold that no other mapping of the project keeps its state here too. Raises StateError `state_shared`.

    The files alone cannot tell: a mapping that was renamed twice keeps its state under its first name, which a new
    mapping may have taken meanwhile.
    """
    if (found.project, found.mapping) == (project.name, mapping.name):
        return
    for name, other in project.mappings.items():
        if name == mapping.name or project.models[other.model].source != project.models[mapping.model].source:
            continue
        theirs = replace(state_names(project, other, source), schema=names.schema)
        if follow(session, source.dialect, theirs).id == names.id:
            raise StateError(
                f"The mappings `{mapping.name}` and `{name}` would share one state: it was kept under an id that"
                f" both of them have or once had.",
                hint="Nothing was changed. Give the one that is new an `id` of its own.",
                where=project.location(("mappings", mapping.name)),
                code="state_shared",
            )


def missed_state(mapping: MappingSpec, found: Checkpoint | None) -> str | None:
    """A warning where `previously` names a state that is not there; None where all is well."""
    if mapping.previously is None or (found is not None and found.n > 0):
        return None
    return (
        f"No state of `{mapping.previously}` was found here, so every record counts as new. If it was synced from"
        " here before, correct `previously` first."
    )
