-- What T-SQL's functions are in the engine. `s` is a CONVERT style, `d` the digits of a second.
CREATE MACRO _t(x VARCHAR) AS rtrim(x, ' '), (x) AS x;
CREATE MACRO _k(x VARCHAR) AS lower(rtrim(x, ' ')), (x) AS x;
CREATE MACRO _add(a VARCHAR, b VARCHAR) AS a || b, (a BLOB, b BLOB) AS a || b, (a, b) AS a + b;
CREATE MACRO _div(a BIGINT, b BIGINT) AS a // b, (a, b) AS a / b;
CREATE MACRO _ansi(x) AS CASE WHEN regexp_matches(x, '[^\x00-\x7f\xa0-\xff€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]') THEN regexp_replace(regexp_replace(x, '[\x{10000}-\x{10ffff}]', '??', 'g'), '[^\x00-\x7f\xa0-\xff€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]', '?', 'g') ELSE x END;
CREATE MACRO _ascii(x) AS length(x) = strlen(x);
CREATE MACRO _wide_bytes(x BLOB) AS x, (x VARCHAR) AS CASE WHEN x IS NULL THEN NULL WHEN _ascii(x) THEN unhex(regexp_replace(hex(encode(x)), '(..)', '\100', 'g')) ELSE _py_utf16(x) END;
CREATE MACRO _ansi_bytes(x BLOB) AS x, (x VARCHAR) AS CASE WHEN x IS NULL THEN NULL WHEN _ascii(x) THEN encode(x) ELSE _py_cp1252(x) END;
CREATE MACRO _sha2_256(x) AS unhex(sha256(x));
CREATE MACRO _sha1(x) AS unhex(sha1(x));
CREATE MACRO _md5(x) AS unhex(md5(x));
CREATE MACRO _exponent(x) AS regexp_replace(x, 'e([+-])(\d\d)$', 'e\g<1>0\2');
CREATE MACRO _float_text(x, s) AS CASE s WHEN 3 THEN _py_float(x, 3) WHEN 2 THEN _py_float(x, 2) WHEN 1 THEN _py_float(x, 1) ELSE _py_float(x, 0) END;
CREATE MACRO _fraction(x, d) AS CASE WHEN d = 0 THEN '' ELSE '.' || left(strftime(x, '%f') || '0', d::INTEGER) END;
CREATE MACRO _time_text(x, s, d) AS CASE
  WHEN s IN (126, 127) THEN strftime(x, '%Y-%m-%dT%H:%M:%S') || _fraction(x, d)
  WHEN s = 23 THEN strftime(x, '%Y-%m-%d') WHEN s = 112 THEN strftime(x, '%Y%m%d')
  WHEN s IN (120, 20) THEN strftime(x, '%Y-%m-%d %H:%M:%S')
  WHEN s IN (108, 8) THEN strftime(x, '%H:%M:%S')
  WHEN s IN (114, 14) THEN strftime(x, '%H:%M:%S:') || left(strftime(x, '%f'), 3)
  WHEN s IN (111, 11) THEN strftime(x, '%Y/%m/%d') WHEN s = 102 THEN strftime(x, '%Y.%m.%d')
  WHEN s = 101 THEN strftime(x, '%m/%d/%Y') WHEN s = 103 THEN strftime(x, '%d/%m/%Y') WHEN s = 104 THEN strftime(x, '%d.%m.%Y')
  ELSE strftime(x, '%Y-%m-%d %H:%M:%S') || _fraction(x, d) END;
CREATE MACRO _text(x BLOB, s, d) AS CASE s WHEN 1 THEN '0x' || hex(x) WHEN 2 THEN hex(x) ELSE _py_blob_text(x) END,
  (x VARCHAR, s, d) AS x,
  (x BOOLEAN, s, d) AS CASE WHEN x THEN '1' WHEN NOT x THEN '0' END,
  (x, s, d) AS CASE typeof(x)
    WHEN 'DOUBLE' THEN _float_text(TRY_CAST(x::VARCHAR AS DOUBLE), s)
    WHEN 'FLOAT' THEN _float_text(TRY_CAST(x::VARCHAR AS DOUBLE), s)
    WHEN 'TIMESTAMP' THEN _time_text(TRY_CAST(x::VARCHAR AS TIMESTAMP), s, d)
    WHEN 'DATE' THEN CASE WHEN s IN (0, 23, 121, 120, 126, 127) THEN x::VARCHAR ELSE _time_text(TRY_CAST(x::VARCHAR AS TIMESTAMP), s, 0) END
    WHEN 'TIME' THEN strftime(TRY_CAST('2000-01-01 ' || x::VARCHAR AS TIMESTAMP), '%H:%M:%S') || _fraction(TRY_CAST('2000-01-01 ' || x::VARCHAR AS TIMESTAMP), d)
    WHEN 'TIMESTAMP WITH TIME ZONE' THEN _time_text(TRY_CAST(TRY_CAST(x::VARCHAR AS TIMESTAMPTZ) AS TIMESTAMP), s, d) || CASE WHEN s = 127 THEN 'Z' WHEN s = 126 THEN '+00:00' ELSE ' +00:00' END
    WHEN 'UUID' THEN upper(x::VARCHAR)
    ELSE x::VARCHAR END;
CREATE MACRO _signed(u, n) AS CASE WHEN n > 1 AND u >= 1::HUGEINT << (8 * n - 1) THEN u - (1::HUGEINT << (8 * n)) ELSE u END;
CREATE MACRO _int(x BLOB, n) AS _signed(('0x0' || right(hex(x), 2 * n))::UBIGINT::HUGEINT, n),
  (x VARCHAR, n) AS CASE WHEN trim(x) = '' THEN 0 ELSE trim(x)::BIGINT END,
  (x BOOLEAN, n) AS x::BIGINT,
  (x, n) AS CASE WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN trunc(x::DOUBLE)::BIGINT WHEN starts_with(typeof(x), 'DECIMAL') THEN trunc(x::DECIMAL(38,10))::BIGINT ELSE x::BIGINT END;
CREATE MACRO _number(x VARCHAR) AS CASE WHEN regexp_full_match(trim(x), '[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?') THEN trim(x) WHEN x IS NULL THEN NULL ELSE error('Error converting data type varchar to numeric.') END, (x) AS x;
CREATE MACRO _moment(x VARCHAR) AS regexp_replace(regexp_replace(trim(x), ' ?([+-]\d\d:\d\d)$', '\1'), 'T(\d)', ' \1'), (x) AS x;
CREATE MACRO _cut(x, d) AS CASE WHEN d >= 6 THEN x ELSE make_timestamp(((epoch_us(x) + 5 * pow(10, 5 - d)::BIGINT) // pow(10, 6 - d)::BIGINT) * pow(10, 6 - d)::BIGINT) END;
CREATE MACRO _bytes_of(x BLOB, s, n) AS x,
  (x VARCHAR, s, n) AS CASE s WHEN 1 THEN unhex(substr(x, 3)) WHEN 2 THEN unhex(x) ELSE CASE WHEN n = 2 THEN _wide_bytes(x) ELSE _ansi_bytes(x) END END,
  (x, s, n) AS unhex(lpad(CASE WHEN x >= 0 THEN to_hex(x::BIGINT) ELSE right(to_hex(x::BIGINT), CASE WHEN typeof(x) = 'BIGINT' THEN 16 ELSE 8 END) END, CASE typeof(x) WHEN 'BIGINT' THEN 16 WHEN 'SMALLINT' THEN 4 WHEN 'UTINYINT' THEN 2 ELSE 8 END, '0'));
CREATE MACRO _blob_part(x, a, n) AS unhex(substr(hex(x), 2 * a - 1, 2 * n));
CREATE MACRO _substring(x BLOB, a, n) AS _blob_part(x, greatest(a, 1), n + least(a - 1, 0)), (x VARCHAR, a, n) AS CASE WHEN n < 0 THEN error('Invalid length parameter passed to the SUBSTRING function.') ELSE substr(x, greatest(a, 1)::BIGINT, greatest(n + least(a - 1, 0), 0)::BIGINT) END;
CREATE MACRO _len(x VARCHAR) AS length(rtrim(x, ' ')) + (length(x) - length(regexp_replace(x, '[\x{10000}-\x{10ffff}]', '', 'g'))), (x BLOB) AS octet_length(x), (x) AS length(x::VARCHAR);
CREATE MACRO _datalength(x BLOB, n) AS octet_length(x), (x VARCHAR, n) AS n * (length(x) + CASE WHEN n = 2 THEN length(x) - length(regexp_replace(x, '[\x{10000}-\x{10ffff}]', '', 'g')) ELSE 0 END), (x, n) AS CASE typeof(x) WHEN 'BIGINT' THEN 8 WHEN 'INTEGER' THEN 4 WHEN 'SMALLINT' THEN 2 WHEN 'UTINYINT' THEN 1 WHEN 'BOOLEAN' THEN 1 WHEN 'UUID' THEN 16 WHEN 'DATE' THEN 3 WHEN 'DOUBLE' THEN 8 WHEN 'FLOAT' THEN 4 ELSE 8 END;
CREATE MACRO _left(x VARCHAR, n) AS left(x, n::BIGINT), (x, n) AS left(x::VARCHAR, n::BIGINT);
CREATE MACRO _right(x VARCHAR, n) AS right(x, n::BIGINT), (x, n) AS right(x::VARCHAR, n::BIGINT);
CREATE MACRO _charindex(a, x) AS strpos(lower(x), lower(a)), (a, x, s) AS CASE WHEN strpos(lower(substr(x, s::BIGINT)), lower(a)) = 0 THEN 0 ELSE strpos(lower(substr(x, s::BIGINT)), lower(a)) + s - 1 END;
CREATE MACRO _charindex_binary(a, x) AS strpos(x, a), (a, x, s) AS CASE WHEN strpos(substr(x, s::BIGINT), a) = 0 THEN 0 ELSE strpos(substr(x, s::BIGINT), a) + s - 1 END;
CREATE MACRO _replace(x, a, b) AS CASE WHEN a = '' THEN x WHEN lower(a) COLLATE C = upper(a) COLLATE C THEN replace(x, a, b) ELSE regexp_replace(x, regexp_escape(a), replace(b, '\', '\\'), 'gi') END;
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
