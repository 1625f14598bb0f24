SELECT
  op AS operation,
  record_id,
  bucket,
  CASE
    WHEN op IN ('added', 'updated', 'deleted', 'candidate')
    THEN CAST(bucket AS BIGINT) * 1099511627776 + pos
  END AS seq,
  prior_id,
  reason,
  CAST(NULL AS BIGINT) AS total,
  digest AS digest,
  c0 AS "id",
  c1 AS "Name",
  c2 AS "total_2",
  c3 AS "extra"
FROM (
  SELECT
    CAST(CASE WHEN NOT m.problem IS NULL OR m.n > 1 THEN 'set_aside' ELSE 'added' END AS TEXT) AS op,
    CAST(CASE WHEN NOT m.problem IS NULL THEN m.problem WHEN m.n > 1 THEN 'repeated' END AS TEXT) AS reason,
    CAST(NULL AS TEXT) AS prior_id,
    m.record_id,
    m.bucket,
    m.pos,
    m.digest,
    m.c0,
    m.c1,
    m.c2,
    m.c3
  FROM (
    SELECT
      keyed.*,
      COUNT(*) OVER (
        PARTITION BY keyed.record_id
        ORDER BY keyed.record_id
        RANGE BETWEEN CURRENT ROW AND CURRENT ROW
      ) AS n,
      ROW_NUMBER() OVER (PARTITION BY keyed.bucket ORDER BY keyed.record_id) AS pos
    FROM (
      SELECT
        k.*,
        CAST(HASH(k.record_id) % 256 AS INT) AS bucket
      FROM (
        SELECT
          plain.*,
          SHA256(
            COALESCE(LENGTH(plain."c1") || ':' || plain."c1", '-') || COALESCE(
              LENGTH(
                CASE
                  WHEN NOT plain."c3" IS NULL
                  THEN COALESCE(
                    CAST(TO_JSON(
                      CAST(CAST(ARRAY_TO_STRING(
                        LIST_TRANSFORM(
                          REGEXP_EXTRACT_ALL(
                            CAST(plain."c3" AS TEXT),
                            '"(?:\\.|[^"\\])*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|[^"0-9-]+|-'
                          ),
                          LAMBDA t : CASE
                            WHEN REGEXP_MATCHES(t, '^-?[0-9]')
                            THEN CASE
                              WHEN LENGTH(
                                CASE
                                  WHEN REGEXP_FULL_MATCH(t, '-?[0-9]+\.[0-9]+')
                                  THEN RTRIM(RTRIM(t, '0'), '.')
                                  ELSE t
                                END
                              ) > 15
                              THEN '"#' || CASE
                                WHEN REGEXP_FULL_MATCH(t, '-?[0-9]+\.[0-9]+')
                                THEN RTRIM(RTRIM(t, '0'), '.')
                                ELSE t
                              END || '"'
                              ELSE CASE
                                WHEN REGEXP_FULL_MATCH(t, '-?[0-9]+\.[0-9]+')
                                THEN RTRIM(RTRIM(t, '0'), '.')
                                ELSE t
                              END
                            END
                            ELSE t
                          END
                        ),
                        ''
                      ) AS JSON) AS VARIANT)
                    ) AS TEXT),
                    'null'
                  )
                END
              ) || ':' || CASE
                WHEN NOT plain."c3" IS NULL
                THEN COALESCE(
                  CAST(TO_JSON(
                    CAST(CAST(ARRAY_TO_STRING(
                      LIST_TRANSFORM(
                        REGEXP_EXTRACT_ALL(
                          CAST(plain."c3" AS TEXT),
                          '"(?:\\.|[^"\\])*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|[^"0-9-]+|-'
                        ),
                        LAMBDA t : CASE
                          WHEN REGEXP_MATCHES(t, '^-?[0-9]')
                          THEN CASE
                            WHEN LENGTH(
                              CASE
                                WHEN REGEXP_FULL_MATCH(t, '-?[0-9]+\.[0-9]+')
                                THEN RTRIM(RTRIM(t, '0'), '.')
                                ELSE t
                              END
                            ) > 15
                            THEN '"#' || CASE
                              WHEN REGEXP_FULL_MATCH(t, '-?[0-9]+\.[0-9]+')
                              THEN RTRIM(RTRIM(t, '0'), '.')
                              ELSE t
                            END || '"'
                            ELSE CASE
                              WHEN REGEXP_FULL_MATCH(t, '-?[0-9]+\.[0-9]+')
                              THEN RTRIM(RTRIM(t, '0'), '.')
                              ELSE t
                            END
                          END
                          ELSE t
                        END
                      ),
                      ''
                    ) AS JSON) AS VARIANT)
                  ) AS TEXT),
                  'null'
                )
              END,
              '-'
            ) || COALESCE(LENGTH(CAST(plain."c0" AS TEXT)) || ':' || CAST(plain."c0" AS TEXT), '-') || COALESCE(
              LENGTH(RTRIM(RTRIM(CAST(plain."c2" AS TEXT), '0'), '.')) || ':' || RTRIM(RTRIM(CAST(plain."c2" AS TEXT), '0'), '.'),
              '-'
            )
          ) AS digest
        FROM (
          SELECT
            1 AS mine,
            CASE
              WHEN model."id" IS NULL OR model."Name" IS NULL
              THEN 'null'
              WHEN model."Name" = ''
              THEN 'empty'
              WHEN TRIM(model."Name", '	
                  　') = ''
              THEN 'blank'
            END AS problem,
            (
              (
                '[' || CAST(TO_JSON(CAST(model."id" AS TEXT)) AS TEXT) || ',' || CAST(TO_JSON(model."Name") AS TEXT) || ']'
              ) COLLATE "C"
            ) AS record_id,
            model."id" AS c0,
            (
              model."Name" COLLATE "C"
            ) AS c1,
            model."total" AS c2,
            model."extra" AS c3
          FROM (
            SELECT
              *
            FROM orders
          ) AS model
        ) AS plain
      ) AS k
    ) AS keyed
  ) AS m
) AS placed
