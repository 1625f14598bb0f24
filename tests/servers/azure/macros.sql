-- What T-SQL's functions are in the engine. `s` is a CONVERT style, `d` the digits of a second.
-- An argument of a macro is copied to every place that uses it: where there are several, a lambda holds it.
CREATE MACRO _ansi(x) AS regexp_replace(regexp_replace(x, '[\x{10000}-\x{10ffff}]', '??', 'g'), '[^\x00-\x7f\xa0-\xff€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]', '?', 'g');
CREATE MACRO _wide(x) AS regexp_replace(x, '([\x{10000}-\x{10ffff}])', '\1\1', 'g');
CREATE MACRO _wide_bytes(x BLOB) AS x, (x VARCHAR) AS list_transform([x], lambda v: CASE WHEN length(v) = strlen(v) THEN unhex(regexp_replace(hex(encode(v)), '(..)', '\100', 'g')) WHEN v IS NOT NULL THEN _py_utf16(v) END)[1];
CREATE MACRO _ansi_bytes(x BLOB) AS x, (x VARCHAR) AS list_transform([x], lambda v: CASE WHEN length(v) = strlen(v) THEN encode(v) WHEN v IS NOT NULL THEN _py_cp1252(v) END)[1];
CREATE MACRO _text_of(x BLOB, s) AS CASE s WHEN 1 THEN '0x' || hex(x) WHEN 2 THEN hex(x) ELSE _py_blob_text(x) END,
  (x VARCHAR, s) AS x,
  (x, s) AS CASE typeof(x) WHEN 'BOOLEAN' THEN x::VARCHAR::BOOLEAN::INTEGER::VARCHAR WHEN 'UUID' THEN upper(x::VARCHAR) ELSE x::VARCHAR END;
CREATE MACRO _signed(x, n) AS list_transform([('0x0' || right(hex(x), 2 * n))::UBIGINT::HUGEINT], lambda u: CASE WHEN u >= 1::HUGEINT << (8 * n - 1) THEN u - (1::HUGEINT << (8 * n)) ELSE u END)[1];
CREATE MACRO _whole(x VARCHAR) AS regexp_replace(x, '^\s*$', '0')::BIGINT, (x) AS x::BIGINT;
CREATE MACRO _number(x VARCHAR) AS regexp_replace(trim(x), '^[+-]?[A-Za-z]+$', 'Error converting data type varchar to numeric'), (x) AS x;
CREATE MACRO _cut(x, d) AS list_transform([epoch_us(x)], lambda u: make_timestamp(((u + 5 * pow(10, 5 - d)::BIGINT) // pow(10, 6 - d)::BIGINT) * pow(10, 6 - d)::BIGINT))[1];
CREATE MACRO _bytes_of(x BLOB) AS x, (x) AS list_transform([x::BIGINT], lambda v: unhex(right('0000000000000000' || to_hex(v), CASE typeof(x) WHEN 'BIGINT' THEN 16 WHEN 'SMALLINT' THEN 4 WHEN 'UTINYINT' THEN 2 WHEN 'BOOLEAN' THEN 2 ELSE 8 END)))[1];
CREATE MACRO _len(x VARCHAR) AS length(_wide(rtrim(x, ' '))), (x BLOB) AS octet_length(x), (x) AS length(x::VARCHAR);
CREATE MACRO _datalength(x BLOB) AS octet_length(x), (x VARCHAR) AS 2 * length(_wide(x)), (x) AS CASE typeof(x) WHEN 'BIGINT' THEN 8 WHEN 'INTEGER' THEN 4 WHEN 'SMALLINT' THEN 2 WHEN 'UTINYINT' THEN 1 WHEN 'BOOLEAN' THEN 1 WHEN 'UUID' THEN 16 WHEN 'DATE' THEN 3 WHEN 'FLOAT' THEN 4 ELSE 8 END + 0 * (x IS NULL)::INTEGER;
CREATE MACRO _replace(x, a, b) AS CASE WHEN a = '' THEN x ELSE regexp_replace(x, regexp_escape(a), replace(b, '\', '\\'), 'gi') END;
CREATE MACRO _t(x VARCHAR) AS rtrim(x, ' '), (x) AS x;
CREATE MACRO _k(x VARCHAR) AS lower(rtrim(x, ' ')), (x) AS x;
CREATE MACRO _b(x) AS unhex(regexp_replace(hex(x), '(00)+$', ''));
CREATE MACRO _add(a VARCHAR, b VARCHAR) AS a || b, (a BLOB, b BLOB) AS a || b, (a, b) AS a + b;
CREATE MACRO _div(a BIGINT, b BIGINT) AS a // b, (a, b) AS a / b;
CREATE MACRO _sha2_256(x) AS unhex(sha256(x));
CREATE MACRO _sha1(x) AS unhex(sha1(x));
CREATE MACRO _md5(x) AS unhex(md5(x));
CREATE MACRO _int_of_bytes(x, n) AS _signed(('0x0' || right(hex(x), 2 * n))::UBIGINT::HUGEINT, n);
CREATE MACRO _moment(x VARCHAR) AS regexp_replace(regexp_replace(trim(x), ' ?([+-]\d\d:\d\d)$', '\1'), 'T(\d)', ' \1'), (x) AS x;
CREATE MACRO _blob_part(x, a, n) AS unhex(substr(hex(x), 2 * a - 1, 2 * n));
CREATE MACRO _substring(x BLOB, a, n) AS _blob_part(x, greatest(a, 1), n + least(a - 1, 0)), (x VARCHAR, a, n) AS CASE WHEN n < 0 THEN error('Invalid length parameter passed to the SUBSTRING function.') ELSE substr(x, greatest(a, 1)::BIGINT, greatest(n + least(a - 1, 0), 0)::BIGINT) END;
CREATE MACRO _left(x VARCHAR, n) AS left(x, n::BIGINT), (x, n) AS left(x::VARCHAR, n::BIGINT);
CREATE MACRO _right(x VARCHAR, n) AS right(x, n::BIGINT), (x, n) AS right(x::VARCHAR, n::BIGINT);
CREATE MACRO _charindex(a, x) AS strpos(lower(x), lower(a)), (a, x, s) AS CASE WHEN strpos(lower(substr(x, s::BIGINT)), lower(a)) = 0 THEN 0 ELSE strpos(lower(substr(x, s::BIGINT)), lower(a)) + s - 1 END;
CREATE MACRO _charindex_binary(a, x) AS strpos(x, a), (a, x, s) AS CASE WHEN strpos(substr(x, s::BIGINT), a) = 0 THEN 0 ELSE strpos(substr(x, s::BIGINT), a) + s - 1 END;
CREATE MACRO _stuff(x, a, n, b) AS CASE WHEN a < 1 OR a > length(x) THEN NULL ELSE substr(x, 1, (a - 1)::BIGINT) || coalesce(b, '') || substr(x, (a + n)::BIGINT) END;
CREATE MACRO _space(n) AS repeat(' ', n::BIGINT);
CREATE MACRO _quotename(x) AS '[' || replace(x, ']', ']]') || ']';
CREATE MACRO _switch(x, o) AS x::TIMESTAMPTZ;
CREATE MACRO _utc(x) AS x::TIMESTAMPTZ;
CREATE MACRO _json_escape(x) AS substr(to_json(x)::VARCHAR, 2, length(to_json(x)::VARCHAR) - 2);
CREATE MACRO _isjson(x) AS CASE WHEN x IS NULL THEN NULL WHEN json_valid(x) AND regexp_matches(x, '^\s*[\[{]') THEN 1 ELSE 0 END;
CREATE MACRO _json_value(x, p) AS CASE WHEN json_type(x, p) IN ('OBJECT', 'ARRAY') THEN NULL ELSE json_extract_string(x, p) END;
CREATE MACRO _json_query(x, p) AS CASE WHEN json_type(x, p) IN ('OBJECT', 'ARRAY') THEN json_extract(x, p)::VARCHAR END;
CREATE MACRO _checksum(x) AS (hash(x) & 2147483647)::INTEGER;
CREATE MACRO _str_day(x) AS CASE typeof(x) WHEN 'VARCHAR' THEN TRY_CAST(_moment(x::VARCHAR) AS TIMESTAMP) ELSE TRY_CAST(x::VARCHAR AS TIMESTAMP) END;
CREATE MACRO _now() AS now()::TIMESTAMP;
CREATE MACRO _plus(x, i) AS x + i;
CREATE MACRO _square(x) AS x * x;
CREATE MACRO _json_key(x) AS x;
