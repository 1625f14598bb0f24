"""BigQuery's predefined roles, as far as this stand-in knows permissions.

https://cloud.google.com/bigquery/docs/access-control
"""

from __future__ import annotations

_VIEW_METADATA = {
    "bigquery.datasets.get",
    "bigquery.routines.get",
    "bigquery.routines.list",
    "bigquery.tables.get",
    "bigquery.tables.list",
}
_VIEW = _VIEW_METADATA | {"bigquery.tables.getData"}
_EDIT = _VIEW | {
    "bigquery.tables.create",
    "bigquery.tables.delete",
    "bigquery.tables.update",
    "bigquery.tables.updateData",
}
_JOB_USER = {"bigquery.jobs.create"}
_READ_SESSIONS = {
    "bigquery.readsessions.create",
    "bigquery.readsessions.getData",
    "bigquery.readsessions.update",
}

OWNER = frozenset(_EDIT | {"bigquery.datasets.delete", "bigquery.datasets.update"})
"""What the creator of a dataset may do on it."""

ROLES: dict[str, frozenset[str]] = {
    "roles/bigquery.metadataViewer": frozenset(_VIEW_METADATA),
    "roles/bigquery.dataViewer": frozenset(_VIEW),
    "roles/bigquery.dataEditor": frozenset(_EDIT),
    "roles/bigquery.dataOwner": OWNER,
    "roles/bigquery.jobUser": frozenset(_JOB_USER),
    "roles/bigquery.readSessionUser": frozenset(_READ_SESSIONS),
    "roles/bigquery.user": frozenset(
        {
            *_JOB_USER,
            *_READ_SESSIONS,
            "bigquery.datasets.create",
            "bigquery.datasets.get",
            "bigquery.jobs.list",
            "bigquery.routines.list",
            "bigquery.tables.list",
        }
    ),
    "roles/bigquery.admin": frozenset(
        {*OWNER, *_JOB_USER, *_READ_SESSIONS, "bigquery.datasets.create", "bigquery.jobs.list"}
    ),
}

_CREATES_DATASETS = {"roles/bigquery.dataEditor", "roles/bigquery.dataOwner"}
"""Roles that also hold `datasets.create`, which means nothing on a dataset."""

PERMISSIONS = frozenset().union(*ROLES.values())


def expand(name: str, *, project_wide: bool = True) -> frozenset[str]:
    """The permissions of a role, or one permission, with or without `bigquery.` before it. Raises ValueError."""
    if name in ROLES:
        more = {"bigquery.datasets.create"} if project_wide and name in _CREATES_DATASETS else set()
        return ROLES[name] | more
    full = name if name.startswith("bigquery.") else f"bigquery.{name}"
    if full not in PERMISSIONS:
        raise ValueError(f"this stand-in knows no role or permission {name!r}")
    return frozenset({full})
