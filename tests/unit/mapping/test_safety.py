"""SQL in a mapping is one harmless scalar expression: whatever else it tries is refused before it runs."""

from __future__ import annotations

import duckdb
import pytest
from tests.unit.mapping.rendering import batch, column, one, refused

from tailrace.columns import Kind
from tailrace.mapping.allowed import FUNCTIONS
from tailrace.mapping.compile import compile_mapping
from tailrace.mapping.engine import MappingTimeout, connect, deadline
from tailrace.mapping.expression import FieldError

COLUMNS = [
    column("a"),
    column("b", Kind.INT),
    column("j", Kind.JSON),
    column("user"),
    column("we ird"),
    column("bits", Kind.BYTES),
]

REFUSED = [
    # files, network, environment, settings, extensions
    "read_text('/etc/passwd')",
    "(SELECT content FROM read_text('/etc/passwd'))",
    "read_blob('/etc/passwd')",
    "read_csv('/etc/passwd')",
    "read_json('http://169.254.169.254/')",
    "glob('/*')",
    "getenv('HOME')",
    "GETENV('HOME')",
    "getenv /* hidden */ ('HOME')",
    "\"getenv\"('HOME')",
    "getvariable('x')",
    "current_setting('memory_limit')",
    "duckdb_settings()",
    "duckdb_secrets()",
    "which_secret('x', 's3')",
    "set_config('a', 'b')",
    "pg_sleep(10)",
    "sleep_ms(100000)",
    "write_log('x')",
    "query('SELECT 1')",
    "query_table('t')",
    "json_serialize_sql('SELECT 1')",
    "json_execute_serialized_sql('{}')",
    "version()",
    "error('stop')",
    "parse_path('/a/b')",
    # qualified and quoted names
    "main.lower(a)",
    "system.main.lower(a)",
    '"main"."lower"(a)',
    "information_schema.tables",
    "piece.a",
    "memory.main.piece",
    # subqueries and what stands around one expression
    "(SELECT 1)",
    "(VALUES (1))",
    "EXISTS (SELECT 1)",
    "b IN (SELECT 1)",
    "b = ANY (SELECT 1)",
    "ARRAY(SELECT 1)",
    "(FROM duckdb_tables())",
    "a FROM piece",
    "a FROM duckdb_settings()",
    "1) FROM (SELECT 1",
    "a WHERE true",
    "a UNION SELECT 'x'",
    "a LIMIT 1",
    "a ORDER BY 1",
    "a GROUP BY ALL",
    "a QUALIFY true",
    "a USING SAMPLE 1",
    "DISTINCT a",
    "a, b",
    "a AS x",
    "a; SELECT 2",
    "a; ATTACH 'x.db'",
    "a; COPY (SELECT 1) TO '/tmp/x'",
    "a; INSTALL httpfs",
    "a; PRAGMA database_list",
    "a; SET memory_limit = '1TB'",
    "; a",
    # aggregates, windows, lists of columns, lambdas, parameters, macros
    "sum(b)",
    "count(*)",
    "string_agg(a, ',')",
    "list(a)",
    "first(a)",
    "lower(DISTINCT a)",
    "sum(b) FILTER (WHERE true)",
    "row_number() OVER ()",
    "lag(a) OVER (ORDER BY b)",
    "*",
    "piece.*",
    "* EXCLUDE (a)",
    "COLUMNS(*)",
    "COLUMNS('a')",
    "lower(COLUMNS(*))",
    "unpack(COLUMNS(*))",
    "list_transform([1], x -> x + 1)",
    "list_transform([1], lambda x: x + 1)",
    "[x + 1 for x in [1, 2]]",
    "list_reduce([1, 2], (x, y) -> x + y)",
    "list_filter([1], x -> true)",
    "list_aggregate([1], 'sum')",
    "x -> x",
    "a -> b",
    "?",
    "$1",
    "$name",
    "#1",
    "DEFAULT",
    "unnest([1, 2])",
    "generate_subscripts([1], 1)",
    "GROUPING(a)",
    # what is not the same at every run
    "random()",
    "setseed(0.5)",
    "uuid()",
    "gen_random_uuid()",
    "uuidv7()",
    "now()",
    "today()",
    "current_date",
    "CURRENT_TIMESTAMP",
    "current_localtimestamp()",
    "get_current_timestamp()",
    "transaction_timestamp()",
    "localtime",
    "age(TIMESTAMP '2020-01-01')",
    "nextval('s')",
    "currval('s')",
    "txid_current()",
    "hash(a)",
    "current_user",
    "session_user",
    "current_database()",
    "current_schema()",
    "current_query()",
    "rowid",
    # memory and time
    "repeat(a, 1000000000)",
    "repeat(a, b)",
    "repeat(a, 10 ** 9)",
    "repeat(a, -1)",
    "repeat('x', 1000) || repeat(repeat('x', 1000), 1000)",
    "repeat(repeat(a, 100), 100)",
    "lpad(a, 1000000000, 'x')",
    "rpad(a, b, 'x')",
    "lpad(a, 999999999999999999999, 'x')",
    "range(1000000000)",
    "generate_series(1, 1000000000)",
    "list_resize([1], 1000000000)",
    "array_resize([1], 1000000000)",
    "printf('%1000000000d', b)",
    "format('{:>1000000000}', a)",
    "bar(b, 0, 1, 1000000000)",
    "factorial(1000000)",
    "replace(a, 'x', a)",
    "replace(replace(replace(a, 'a', 'bbbbbbbbbb'), 'b', 'cccccccccc'), 'c', 'dddddddddd')",
    "regexp_replace(a, '.', repeat('x', 1000), 'g')",
    "regexp_replace(regexp_replace(a, '.', '" + "\\0" * 8 + "', 'g'), '.', '" + "\\0" * 8 + "', 'g')",
    "regexp_matches(a, a)",
    "regexp_matches(a, '" + "(x+)+" * 200 + "')",
    "strftime(DATE '2020-01-01', a)",
    "strftime(DATE '2020-01-01', '" + "%c" * 200 + "')",
    "levenshtein(a, a)",
    "to_json(to_json(to_json(a)))",
    "a" + " || a" * 300,
    "concat(" + ", ".join(["a"] * 100) + ")",
    "(" * 2000 + "b" + ")" * 2000,
    "b" + " + b" * 5000,
    "NOT " * 3000 + "true",
    "- " * 3000 + "b",
    "CASE WHEN true THEN " * 500 + "1" + " END" * 500,
    "[" * 150 + "1" + "]" * 150,
    "'" + "x" * 20_000 + "'",
    "b IN (" + ", ".join(["1"] * 2500) + ")",
    # casts
    "a::ENUM ('x')",
    "a::regclass",
    "a::my_type",
    "a::main.integer",
    "a::INTEGER[]",
    "a::STRUCT(x INTEGER)",
    "a::MAP(VARCHAR, VARCHAR)",
    "a::UNION(x INTEGER)",
    "a::VARIANT",
    "CAST(a AS BIT)",
    "a COLLATE nocase",
    "typeof(a)::regtype",
    # texts that are none
    "a /* never closed",
    "a 'b'",
    "a b",
    "lower(a",
    "a)",
    "'never closed",
    "a\0",
    "\ud800",
    "\u202e(tceles)",
    "ｌｏｗｅｒ(a)",
    "",
    "   ",
    "-- nothing",
]


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: repr(text[:40]))
def test_refused(text):
    with pytest.raises(FieldError) as caught:
        compile_mapping({"f": {"sql": text}}, COLUMNS)
    error = caught.value
    assert error.code in ("expression_not_allowed", "expression_invalid", "column_unknown", "mapping_invalid")
    assert error.path == ("f", "sql")
    assert error.hint
    assert error.exit_code == 2


@pytest.mark.parametrize(
    "text",
    [
        "getenv('X')",
        "random()",
        "(SELECT 1)",
        "sum(b)",
        "current_date",
        "a FROM b",
        "COLUMNS(*)",
        "a::my_type",
    ],
)
def test_what_is_refused_is_named(text):
    with pytest.raises(FieldError) as caught:
        compile_mapping({"f": {"sql": text}}, COLUMNS)
    assert caught.value.code == "expression_not_allowed"
    assert "not allowed in SQL of a mapping: " in caught.value.message


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("lowr(a)", "the function `lowr` (did you mean `lower`?)"),
        ("lenght(a)", "the function `lenght` (did you mean `length`?)"),
        # not near anything, and known to DuckDB under this very name: no guess
        ("frobnicate(a)", "the function `frobnicate`"),
        ("hash(a)", "the function `hash`"),
        ("sum(b)", "the aggregate `sum`"),
    ],
)
def test_a_suggestion_is_close_or_absent(text, named):
    with pytest.raises(FieldError) as caught:
        compile_mapping({"f": {"sql": text}}, COLUMNS)
    assert caught.value.message == f"not allowed in SQL of a mapping: {named}"


@pytest.mark.parametrize("name", ["now()", "random()", "uuid()", "nextval()", "current_date", "rowid"])
def test_r19_what_varies_is_left_out_on_purpose_and_belongs_into_the_model(name):
    with pytest.raises(FieldError) as caught:
        compile_mapping({"f": {"sql": name.replace("nextval()", "nextval('s')")}}, COLUMNS)
    assert caught.value.message.endswith(f": `{name}`: the same record must always render the same")
    assert "Give the model a column for it" in caught.value.hint


@pytest.mark.parametrize("text", ["a = pro", 'a = "pro"'])
def test_a_text_without_its_quotes_is_recognised(text):
    with pytest.raises(FieldError, match="no column `pro`") as caught:
        compile_mapping({"f": {"sql": text}}, COLUMNS)
    assert "A text stands in single quotes." in caught.value.hint


@pytest.mark.parametrize("text", ["getenv('X')", "random() > 0", "(SELECT true)", "now() > NULL"])
def test_conditions_are_checked_like_values(text):
    with pytest.raises(FieldError) as caught:
        compile_mapping({"f": {"case": {"when": [{"if": text, "then": 1}]}}}, COLUMNS)
    assert caught.value.path == ("f", "case", "when", 0, "if")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lower(a) || '!'", '"ab!"'),
        ("LOWER(a)", '"ab"'),
        ('"a"', '"aB"'),
        ('"we ird"', '"odd"'),
        ("user", '"ada"'),
        ("a -- a comment", '"aB"'),
        ("/* a /* nested */ comment */ a", '"aB"'),
        ("'k0 r1 s2' || a", '"k0 r1 s2aB"'),
        ("'it''s; (SELECT 1)'", '"it\'s; (SELECT 1)"'),
        ("$$dollar$$", '"dollar"'),
        ("CASE b WHEN 5 THEN 'five' END", '"five"'),
        ("b BETWEEN 1 AND 9 AND a IS NOT NULL", "true"),
        ("b NOT IN (1, 2)", "true"),
        ("coalesce(NULL, b) * 2 - 1", "9"),
        ("b / 2", "2.5"),
        ("b // 2 + b % 2", "3"),
        ("CAST('12' AS INTEGER) + 1", "13"),
        ("try_cast(a AS INTEGER)", "null"),
        ("1.10::DECIMAL(10, 2)", "1.10"),
        ("170141183460469231731687303715884105727::HUGEINT", "170141183460469231731687303715884105727"),
        ("DATE '2026-01-31' + INTERVAL 1 DAY", '"2026-02-01T00:00:00Z"'),
        ("(DATE '2026-01-31' + 1)", '"2026-02-01"'),
        ("to_timestamp(0)", '"1970-01-01T00:00:00Z"'),
        ("TIMESTAMPTZ '2026-01-02 03:04:05+02'", '"2026-01-02T01:04:05Z"'),
        ("extract(year FROM DATE '2026-01-02')", "2026"),
        ("strftime(DATE '2026-01-02', '%d.%m.%y')", '"02.01.26"'),
        ("j -> '$.x'", "[1,2]"),
        ("j ->> '$.y'", '"deep"'),
        ("json_array_length(j -> '$.x')", "2"),
        ("[a, 'x']", '["aB","x"]'),
        ("{'k': b}", '{"k":5}'),
        ("[1, 2, 3][2]", "2"),
        ("a LIKE 'a%' AND a ILIKE 'AB' AND a NOT LIKE 'x'", "true"),
        ("regexp_replace(a, '[A-Z]', '_', 'g')", '"a_"'),
        ("repeat(a, 3)", '"aBaBaB"'),
        ("lpad(b::VARCHAR, 4, '0')", '"0005"'),
        ("replace(a, 'B', 'xyz')", '"axyz"'),
        ("left(sha256(a), 8)", '"042ac5b8"'),
        ("if(b > 3, 'big', 'small')", '"big"'),
        ("NULL", "null"),
        ("b IS DISTINCT FROM NULL", "true"),
        ("'\\x41'::BLOB", '"QQ=="'),
        ("'\u00e9\u2028😀'", '"é\u2028😀"'),
    ],
)
def test_allowed(text, expected):
    row = {"a": "aB", "b": 5, "j": '{"x": [1, 2], "y": "deep"}', "user": "ada", "we ird": "odd"}
    assert one({"sql": text}, COLUMNS, row) == expected


def test_every_allowed_function_is_pure_and_exists():
    connection = duckdb.connect()
    listed = connection.execute(
        "SELECT function_name, function_type, stability FROM duckdb_functions()"
    ).fetchall()
    known = {name for name, _, _ in listed}
    scalar = {name for name, type_, _ in listed if type_ in ("scalar", "macro")}
    volatile = {name for name, _, stability in listed if stability not in (None, "CONSISTENT")}
    syntax = {"!~~", "~~~", "concat", "nullif"}
    assert set(FUNCTIONS) - known - syntax == set()
    assert set(FUNCTIONS) & known - scalar == set()
    assert set(FUNCTIONS) & volatile == set()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM 'x.csv'",
        "COPY (SELECT 1) TO 'out.csv'",
        "ATTACH 'x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET memory_limit = '100GB'",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "RESET memory_limit",
        "SELECT getenv('HOME')",
        "SELECT * FROM outside",
    ],
)
def test_the_engine_itself_reaches_nothing(statement):
    outside = duckdb.sql  # a Python name that a replacement scan would find
    assert outside is not None
    connection = connect()
    with pytest.raises(duckdb.Error):
        connection.execute(statement).fetchall()


def test_a_statement_that_runs_too_long_is_interrupted():
    connection = connect()
    with pytest.raises(MappingTimeout) as caught, deadline(connection, 0.05):
        connection.execute(
            "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b"
        ).fetchall()
    assert caught.value.code == "mapping_timeout"
    assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_a_value_that_grows_too_large_refuses_its_record_alone():
    columns = [column("a")]
    compiled = compile_mapping({"f": {"sql": "repeat(a, 60)"}}, columns)
    with compiled.renderer() as renderer:
        results = renderer.render(batch(columns, [{"a": "x" * 10_000}, {"a": "y"}])).to_pylist()
    assert "larger than 512 KiB" in results[0]["error_message"]
    assert results[0]["payload"] is None
    assert results[1]["payload"] == '{"f":"' + "y" * 60 + '"}'


def test_memory_is_bounded():
    connection = connect(memory_limit="64MB")
    with pytest.raises(duckdb.Error):
        connection.execute("SELECT list(repeat('x', 1000) || i) FROM range(1000000) t(i)").fetchall()


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("CAST(a AS INTEGER)", {"a": "x"}),
        ("b // 0", {"b": 1}),
        ("b * 9223372036854775807", {"b": 3}),
        ("CAST(a AS DATE)", {"a": "2026-02-30"}),
        ("strptime(a, '%Y')", {"a": "x"}),
        ("decode(unhex(a))", {"a": "ff"}),
        ("sqrt(b)", {"b": -1}),
        ("ln(b)", {"b": 0}),
        ("1e308::DOUBLE * 10 * b", {"b": 2}),
        ("chr(b::INTEGER)", {"b": -5}),
        ("from_base64(a)", {"a": "*"}),
        ("make_date(b, 13, 1)", {"b": 2026}),
    ],
)
def test_an_expression_that_fails_refuses_its_record(text, row):
    message = refused({"sql": text}, COLUMNS, row)
    assert "\n" not in message
    assert "k1" not in message
    assert "LINE" not in message
