"""GRANT and REVOKE, as an administrator runs them.

https://cloud.google.com/bigquery/docs/reference/standard-sql/data-control-language
"""

from __future__ import annotations

import re

from tests.servers.bigquery.standin.accounts import Accounts
from tests.servers.bigquery.standin.errors import invalid_query

_STATEMENT = re.compile(
    r"\s*(?P<verb>GRANT|REVOKE)\s+(?P<roles>`[^`]+`(?:\s*,\s*`[^`]+`)*)\s+ON\s+(?P<kind>SCHEMA|TABLE|VIEW)\s+"
    r"(?P<name>[`\w.\-]+)\s+(?:TO|FROM)\s+(?P<users>[\"'].+[\"'])\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)


def grant_statement(accounts: Accounts, text: str, project: str) -> bool:
    """Carry out a GRANT or REVOKE; whether the text is one. A grant on a table holds here for its dataset."""
    found = _STATEMENT.fullmatch(text)
    if found is None:
        return False
    names = found["name"].replace("`", "").split(".")
    parts = names if found["kind"].upper() == "SCHEMA" else names[:-1]
    place, dataset = (parts[0], parts[1]) if len(parts) > 1 else (project, parts[0])
    for user in re.findall(r"[\"']serviceAccount:([^\"']+)[\"']", found["users"]):
        if accounts.find(user) is None:
            raise invalid_query(f"User {user} does not exist")
        roles = [role.strip() for role in found["roles"].replace("`", "").split(",")]
        accounts.change(user, found["verb"].lower(), roles, place, dataset)
    return True
