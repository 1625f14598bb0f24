"""What BigQuery knows of our dataset, asked over its API and not in SQL.

INFORMATION_SCHEMA bills at least 10 MB a query, and its view of datasets needs a permission on the whole project,
which may be granted on our dataset alone (https://cloud.google.com/bigquery/docs/information-schema-datasets-schemata).
So a dialect's questions about names are written as statements that only our session understands, and it answers
them by free requests for which the permissions that `grants` prints are enough: nothing outside the managed dataset
is ever listed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tailrace.sources.bigquery.types import native_type

if TYPE_CHECKING:
    from tailrace.sources.bigquery.client import BigQueryClient

_QUESTION = re.compile(r"SHOW (DATASETS|TABLES|COLUMNS) (\[.*\])")


def datasets_question() -> str:
    """Asks for the managed dataset in either spelling: rows of (name)."""
    return "SHOW DATASETS []"


def tables_question(dataset: str) -> str:
    """Asks for a dataset's tables: rows of (name, mark)."""
    return f"SHOW TABLES {json.dumps([dataset])}"


def columns_question(dataset: str, table: str) -> str:
    """Asks for a table's columns in order: rows of (name, type)."""
    return f"SHOW COLUMNS {json.dumps([dataset, table])}"


def answer(client: BigQueryClient, managed: str, statement: str) -> list[tuple[Any, ...]] | None:
    """The rows of a question about names; None for any other statement. `managed` is the managed dataset as configured."""
    match = _QUESTION.fullmatch(statement)
    if match is None:
        return None
    names: list[str] = json.loads(match[2])
    if match[1] == "DATASETS":
        return [(name,) for name in spellings(client, managed)]
    if match[1] == "TABLES":
        return client.tables(names[0])
    return [(column["name"], native_type(column)) for column in client.columns(*names)]


def spellings(client: BigQueryClient, dataset: str) -> Sequence[str]:
    """The managed dataset's name as it stands there: as configured, in upper case, or both."""
    wanted = dict.fromkeys([dataset, dataset.lower(), dataset.upper()])
    return sorted(name for name in wanted if client.dataset_location(name) is not None)
