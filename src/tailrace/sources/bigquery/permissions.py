"""Which permission lets Tailrace do what, where it has to be granted, and by which role."""

from __future__ import annotations

import re
from typing import NamedTuple

_PERMISSION = re.compile(r"\bbigquery\.[a-z][A-Za-z]*\.[a-z][A-Za-z]*\b")


class Permission(NamedTuple):
    """A permission, what it is needed for, and the least of the predefined roles that has it."""

    name: str
    why: str
    role: str
    on: str


PROJECT, MANAGED, MODELS = "the project", "the managed dataset", "the dataset that the model reads"

PERMISSIONS = (
    Permission("bigquery.jobs.create", "to run queries", "roles/bigquery.jobUser", PROJECT),
    Permission("bigquery.readsessions.create", "to read fast", "roles/bigquery.readSessionUser", PROJECT),
    Permission("bigquery.readsessions.getData", "to read fast", "roles/bigquery.readSessionUser", PROJECT),
    Permission("bigquery.datasets.create", "to make the managed dataset", "roles/bigquery.user", PROJECT),
    Permission("bigquery.datasets.get", "to find the managed dataset", "roles/bigquery.dataEditor", MANAGED),
    Permission("bigquery.tables.create", "to keep state", "roles/bigquery.dataEditor", MANAGED),
    Permission("bigquery.tables.updateData", "to keep state", "roles/bigquery.dataEditor", MANAGED),
    Permission("bigquery.tables.update", "to mark its tables", "roles/bigquery.dataEditor", MANAGED),
    Permission("bigquery.tables.delete", "to drop its old plans", "roles/bigquery.dataEditor", MANAGED),
    Permission("bigquery.tables.list", "to find its tables", "roles/bigquery.dataEditor", MANAGED),
    Permission("bigquery.tables.get", "to know tables' columns", "roles/bigquery.dataViewer", MODELS),
    Permission("bigquery.tables.getData", "to read the model's tables", "roles/bigquery.dataViewer", MODELS),
)
_BY_NAME = {permission.name: permission for permission in PERMISSIONS}


def permission_in(text: str) -> str | None:
    """The permission that a message of BigQuery's names."""
    match = _PERMISSION.search(text)
    if match is None and "permission to query table" in text:
        return "bigquery.tables.getData"
    return match[0] if match else None


def remedy_for(name: str, where: str) -> str:
    """What to grant for a permission that is lacking on the managed dataset or on the project."""
    found = _BY_NAME.get(name)
    if found is None:
        return f"An administrator grants a role with {name} on {where}."
    role = "roles/bigquery.dataEditor" if where == MANAGED and found.on != PROJECT else found.role
    place = found.on if found.on == PROJECT else where
    return (
        f"An administrator grants {role} (or a role with {name}) on {place}, {found.why}: "
        "`tailrace grants` prints the command."
    )


def remedy(text: str) -> str | None:
    """What to grant where, if the message names a permission that we know."""
    found = _BY_NAME.get(permission_in(text) or "")
    return remedy_for(found.name, found.on) if found else None
