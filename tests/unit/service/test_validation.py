"""`validate` judges each part as its own type does, and says where in the files it stands."""

from __future__ import annotations

from pathlib import Path

from tailrace.service.documents import ProblemDocument
from tailrace.service.validation import validate

PROJECT = """\
version: 1
project: shop
sources:
  warehouse: {{type: {type}}}
models:
  customers:
    source: warehouse
    key: id
    sql: FROM customers
destinations:
  crm:
    type: webhook
    url: https://example.com
    headers:
      X-Fine: "1"
      "X Wrong": "2"
mappings:
  customers_to_crm: {{model: customers, destination: crm, action: send}}
"""


def problems(folder: Path, source: str) -> list[ProblemDocument]:
    (folder / "tailrace.yml").write_text(PROJECT.format(type=source))
    return validate(folder, None, {}).problems


def test_a_statement_is_judged_by_what_its_source_understands(tmp_path: Path) -> None:
    duckdb = problems(tmp_path, "duckdb, path: shop.duckdb")
    assert not [problem for problem in duckdb if "models" in (problem.where or "")]
    postgres = problems(tmp_path, "postgres, host: h, database: d, username: u")
    assert [problem.where for problem in postgres if "models" in (problem.where or "")] == [
        "tailrace.yml:9 models.customers.sql"
    ]


def test_a_source_that_does_not_exist_is_told_once(tmp_path: Path) -> None:
    found = [problem.code for problem in problems(tmp_path, "oracle")]
    assert found.count("source_type_unknown") == 1


def test_a_destination_type_that_does_not_exist_is_told_once(tmp_path: Path) -> None:
    text = PROJECT.format(type="duckdb, path: shop.duckdb").replace("type: webhook", "type: webhok")
    (tmp_path / "tailrace.yml").write_text(text)
    (found,) = validate(tmp_path, None, {}).problems
    assert (found.where, found.hint) == ("tailrace.yml:11 destinations.crm", "Did you mean `webhook`?")


def test_a_wrong_setting_is_told_with_its_line(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "duckdb, path: shop.duckdb")
    assert found.where is not None
    assert found.where.startswith("tailrace.yml:14 ")
