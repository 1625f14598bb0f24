"""Writes small projects for tests, and the contract's example."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tailrace.errors import ConfigError, ConfigErrors
from tailrace.spec.load import load_project
from tailrace.spec.project import Project

SMALL = """\
version: 1
project: shop
sources:
  warehouse: {type: duckdb, path: shop.duckdb}
models:
  customers:
    source: warehouse
    key: id
    sql: SELECT 1 AS id
destinations:
  crm: {type: webhook, url: "${env:CRM_URL}"}
mappings:
  to_crm:
    model: customers
    destination: crm
    action: send
"""

CONTRACT = """\
version: 1
project: shop                                   # required: part of the state's identity
sources:
  warehouse: {type: duckdb, path: shop.duckdb}
models:
  customers:
    source: warehouse
    key: id                                     # unique identifier; or [a, b]
    sql: SELECT id, email, first_name, plan FROM customers
destinations:
  crm: {type: webhook, url: "${env:CRM_URL}", headers: {Authorization: "Bearer ${env:CRM_TOKEN}"}, batch: 100}
mappings:
  customers_to_crm:
    model: customers
    destination: crm
    action: send
    mode: mirror                                # insert | update | upsert | [added, deleted]
    fields:                                     # leave out to send every column as it is
      id: $id
      email: "{{ email | trim | lower }}"
      email_hash: "{{ email | trim | lower | sha256 }}"
      greeting: "Hi {{ first_name | default: 'there' }}!"
      tier: {case: {when: [{if: "plan = 'pro'", then: gold}], else: basic}}
      score: {sql: "coalesce(a, 0) * 2"}
      address: {city: $city, country: DE}
      note: {literal: "costs $5 {{not a template}}"}
      phone: {value: $phone, when_null: omit}
    guards: {max_delete_percent: 10}
    first_sync: send                            # or skip
    on_change: rerender
    fail_on: [rejected, unknown]                # what makes exit code 3
    schedule: {every: 15m}                      # runs under `tailrace serve`
"""


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def load(
    folder: Path,
    files: Mapping[str, str],
    environment: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Project:
    return load_project(write(folder, files), environment, environ or {})


def problems(folder: Path, files: Mapping[str, str], environment: str | None = None) -> list[ConfigError]:
    """All that is wrong with a project; fails if nothing is."""
    with pytest.raises(ConfigErrors) as caught:
        load(folder, files, environment)
    return caught.value.errors


def problem(folder: Path, text: str, environment: str | None = None) -> ConfigError:
    """The only thing that is wrong with a project of one file."""
    found = problems(folder, {"tailrace.yml": text}, environment)
    assert len(found) == 1, [f"{error.where}: {error.message}" for error in found]
    return found[0]
