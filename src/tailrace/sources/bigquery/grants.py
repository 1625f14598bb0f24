"""The commands with which an administrator lets Tailrace into a project of BigQuery, and nothing more.

They are those that users of the field know, with what the published recipes leave out: reading the model's tables,
and writing rows of one's own.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tailrace.sources.bigquery.permissions import MANAGED, PERMISSIONS

_FAST = ("bigquery.readsessions.create", "bigquery.readsessions.getData")
_VIEWER = "roles/bigquery.dataViewer"
_WAYS = """
#   dataset  the dataset is made here, and only it can be written to; custom roles (the least; what you get by default)
#   editor   the dataset is made here; the roles BigQuery User, and Data Editor on that dataset alone
#   custom   Tailrace makes its dataset itself; one custom role
#   create   Tailrace makes its dataset itself; the roles BigQuery User and BigQuery Job User
""".strip("\n")


def bigquery_grants(
    project: str,
    location: str,
    managed: str,
    user: str,
    role: str | None,
    schemas: Sequence[str],
    *,
    fast: bool,
) -> str:
    """A shell script; which of the four ways it takes is its first argument. Running it twice does no harm."""
    script = _Script(project, location, managed, user, role or "tailrace", fast)
    ways = {
        "dataset": [
            *script.role(script.name, ["bigquery.jobs.create", *script.fast_permissions]),
            *script.dataset(),
            *script.role(
                f"{script.name}State", [each.name for each in PERMISSIONS if each.on == MANAGED] + _data()
            ),
            script.on_dataset(f"projects/{project}/roles/{script.name}State", project, managed),
        ],
        "editor": [
            script.on_project("roles/bigquery.user"),
            *script.dataset(),
            script.on_dataset("roles/bigquery.dataEditor", project, managed),
        ],
        "custom": script.role(
            script.name,
            [
                *("bigquery.datasets.create", "bigquery.datasets.get", "bigquery.jobs.create"),
                *script.fast_permissions,
            ],
        ),
        "create": [script.on_project("roles/bigquery.user"), script.on_project("roles/bigquery.jobUser")],
    }
    lines = [
        "#!/bin/sh",
        f"# An administrator of the project {project} runs this with gcloud and bq, or in Cloud Shell:",
        "#   tailrace grants SOURCE | sh            or: … | sh -s -- WAY",
        "# There are four ways:",
        _WAYS,
        "set -eu",
        "",
        'case "${1:-dataset}" in',
    ]
    for way, commands in ways.items():
        lines += [f"{way})", *(f"  {command}" for command in commands), "  ;;"]
    lines += ["*)", '  echo "no such way: $1" >&2; exit 2', "  ;;", "esac", ""]
    lines += ["# Read what models select from. (The published recipes leave this out.)"]
    if not schemas:
        lines.append("# Name the datasets with --schemas; until then, replace YOUR_DATASET here.")
    for schema in schemas or ("YOUR_DATASET",):
        owner, _, dataset = schema.rpartition(".")
        lines.append(script.on_dataset(_VIEWER, owner or project, dataset))
    return "\n".join(lines) + "\n"


def _data() -> list[str]:
    """What our own tables need beside: to be read."""
    return ["bigquery.tables.get", "bigquery.tables.getData"]


class _Script:
    def __init__(self, project: str, location: str, managed: str, user: str, role: str, fast: bool) -> None:
        self.project = project
        self.location = location
        self.managed = managed
        self.member = user if ":" in user else f"serviceAccount:{user}"
        self.name = role
        self.fast_permissions = list(_FAST) if fast else []

    def role(self, name: str, permissions: Sequence[str]) -> list[str]:
        """Make or correct a custom role; one for the project is granted on it."""
        listed = ",".join(dict.fromkeys(permissions))
        place = f"{shlex.quote(name)} --project={shlex.quote(self.project)} --quiet"
        made = [
            f"gcloud iam roles describe {place} >/dev/null 2>&1 ||"
            f" gcloud iam roles create {place} --title={shlex.quote(f'Tailrace ({name})')}",
            f"gcloud iam roles update {place} --permissions={listed}",
        ]
        own = f"projects/{self.project}/roles/{name}"
        return [*made, self.on_project(own)] if name == self.name else made

    def on_project(self, role: str) -> str:
        return (
            f"gcloud projects add-iam-policy-binding {shlex.quote(self.project)}"
            f" --member={shlex.quote(self.member)} --role={shlex.quote(role)} --condition=None --quiet >/dev/null"
        )

    def on_dataset(self, role: str, project: str, dataset: str) -> str:
        return self._sql(f'GRANT `{role}` ON SCHEMA `{project}`.`{dataset}` TO "{self.member}"')

    def dataset(self) -> list[str]:
        return [
            self._sql(
                f"CREATE SCHEMA IF NOT EXISTS `{self.project}`.`{self.managed}`"
                f' OPTIONS (location = "{self.location}")'
            )
        ]

    def _sql(self, statement: str) -> str:
        return (
            f"bq query --quiet --use_legacy_sql=false --project_id={shlex.quote(self.project)}"
            f" --location={shlex.quote(self.location)} {shlex.quote(statement)}"
        )
