"""The data: a table of 12 columns, some 340 bytes of JSON a row; run in a child process."""

from __future__ import annotations

import sys

FIELDS = """\
      id: $id
      email: $email
      name: "{{ first_name }} {{ last_name }}"
      email_sha256: "{{ email | sha256 }}"
      company: $company
      country: $country
      plan: $plan
      attrs: $attrs
      balance: $balance
      score: $score
      created_at: $created_at
      updated_at: $updated_at
"""

DUCKDB = """
CREATE TABLE users AS SELECT
  i AS id,
  'user' || i || '@example' || i % 997 || '.com' AS email,
  'First' || i % 5003 AS first_name,
  'Lastname' || i % 7919 AS last_name,
  'Company number ' || i % 10007 || ' of ' || i % 13 AS company,
  ['DE', 'FR', 'US', 'JP', 'BR'][1 + i % 5] AS country,
  ['free', 'pro', 'team'][1 + i % 3] AS plan,
  CAST('{{"visits":' || i % 1000 || ',"tags":["a","b' || i % 7 || '"]}}' AS JSON) AS attrs,
  CAST((i % 100000) / 7.0 AS DECIMAL(12, 2)) AS balance,
  CAST((i * 37 % 10007) / 8.0 AS DOUBLE) AS score,
  TIMESTAMP '2020-01-01' + to_seconds(i * 61) AS created_at,
  TIMESTAMP '2024-01-01' + to_seconds(i * 7) AS updated_at
FROM range(1, {rows} + 1) AS t(i)
"""
POSTGRES = """
CREATE TABLE users AS SELECT
  i AS id,
  'user' || i || '@example' || i % 997 || '.com' AS email,
  'First' || i % 5003 AS first_name,
  'Lastname' || i % 7919 AS last_name,
  'Company number ' || i % 10007 || ' of ' || i % 13 AS company,
  (ARRAY['DE', 'FR', 'US', 'JP', 'BR'])[1 + i % 5] AS country,
  (ARRAY['free', 'pro', 'team'])[1 + i % 3] AS plan,
  CAST('{{"visits":' || i % 1000 || ',"tags":["a","b' || i % 7 || '"]}}' AS jsonb) AS attrs,
  CAST((i % 100000) / 7.0 AS numeric(12, 2)) AS balance,
  CAST((i * 37 % 10007) / 8.0 AS double precision) AS score,
  TIMESTAMP '2020-01-01' + make_interval(secs => i * 61) AS created_at,
  TIMESTAMP '2024-01-01' + make_interval(secs => i * 7) AS updated_at
FROM generate_series(CAST(1 AS bigint), {rows}) AS t(i)
"""
EDIT = "UPDATE users SET score = score + 1 WHERE id % 100 = {rest}"


def duckdb_statement(path: str, statement: str) -> None:
    """Run one statement in a user's file."""
    import duckdb

    with duckdb.connect(path) as connection:
        connection.execute(statement)


def postgres_statement(uri: str, *statements: str) -> None:
    """Run statements, each in a transaction of its own."""
    import psycopg

    with psycopg.connect(uri, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def main() -> None:
    """`make|edit SOURCE ADDRESS NUMBER`."""
    what, source, address, number = sys.argv[1:]
    if source == "duckdb":
        create, run = DUCKDB, duckdb_statement
    else:
        create, run = POSTGRES, postgres_statement
    if what == "make":
        run(address, create.format(rows=number))
        if source == "postgres":
            run(address, "VACUUM ANALYZE users")
    else:
        run(address, EDIT.format(rest=number))


if __name__ == "__main__":
    main()
