WITH tailrace_paired AS MATERIALIZED (
  SELECT
    op,
    prior_id,
    never_delivered,
    problem,
    mine,
    CASE WHEN mine IS NULL THEN r_record_id ELSE m_record_id END AS record_id,
    CASE
      WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent')
      THEN NULL
      ELSE [
        {'c0': CASE WHEN mine IS NULL THEN r_c0 ELSE m_c0 END, 'c1': CASE WHEN mine IS NULL THEN r_c1 ELSE m_c1 END, 'c2': CASE WHEN mine IS NULL THEN r_c2 ELSE m_c2 END, 'c3': CASE WHEN mine IS NULL THEN r_c3 ELSE m_c3 END}
      ]
    END AS carried
  FROM (
    SELECT
      CASE
        WHEN m.mine IS NULL AND (
          r.delivered OR r.uncertain
        )
        THEN 'deleted'
        WHEN m.mine IS NULL
        THEN 'drop'
        WHEN NOT m.problem IS NULL
        THEN 'set_aside'
        WHEN r.record_id IS NULL
        THEN 'added'
        WHEN r.uncertain
        THEN CASE WHEN r.delivered OR r.baseline = 'known' THEN 'updated' ELSE 'added' END
        WHEN r.baseline = 'unsent'
        THEN 'added'
        WHEN (
          NOT r.checksum IS NULL
          AND m.digest IS DISTINCT FROM r.checksum
          OR r.checksum IS NULL
          AND (
            m.c0 IS DISTINCT FROM r."id"
            OR m.c1 IS DISTINCT FROM r."Name"
            OR m.c2 IS DISTINCT FROM r."total_2"
            OR CASE
              WHEN CAST(m.c3 AS TEXT) IS NOT DISTINCT FROM CAST(r."extra" AS TEXT)
              THEN FALSE
              ELSE CASE
                WHEN NOT m.c3 IS NULL
                THEN COALESCE(
                  CAST(TO_JSON(
                    CAST(CAST(ARRAY_TO_STRING(
                      LIST_TRANSFORM(
                        REGEXP_EXTRACT_ALL(
                          CAST(m.c3 AS TEXT),
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
              END IS DISTINCT FROM CASE
                WHEN NOT r."extra" IS NULL
                THEN COALESCE(
                  CAST(TO_JSON(
                    CAST(CAST(ARRAY_TO_STRING(
                      LIST_TRANSFORM(
                        REGEXP_EXTRACT_ALL(
                          CAST(r."extra" AS TEXT),
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
            END
          )
        )
        THEN 'updated'
        WHEN NOT r.checksum IS NULL
        THEN 'fill'
      END AS op,
      CASE
        WHEN r.uncertain AND NOT r.record_level_id IS NULL
        THEN CASE
          WHEN m.mine IS NULL
          THEN CASE
            WHEN r.record_level_id LIKE 'deleted:%'
            THEN SUBSTRING(r.record_level_id, 9)
          END
          WHEN r.record_level_id LIKE 'deleted:%'
          OR (
            NOT r.checksum IS NULL
            AND m.digest IS DISTINCT FROM r.checksum
            OR r.checksum IS NULL
            AND (
              m.c0 IS DISTINCT FROM r."id"
              OR m.c1 IS DISTINCT FROM r."Name"
              OR m.c2 IS DISTINCT FROM r."total_2"
              OR CASE
                WHEN CAST(m.c3 AS TEXT) IS NOT DISTINCT FROM CAST(r."extra" AS TEXT)
                THEN FALSE
                ELSE CASE
                  WHEN NOT m.c3 IS NULL
                  THEN COALESCE(
                    CAST(TO_JSON(
                      CAST(CAST(ARRAY_TO_STRING(
                        LIST_TRANSFORM(
                          REGEXP_EXTRACT_ALL(
                            CAST(m.c3 AS TEXT),
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
                END IS DISTINCT FROM CASE
                  WHEN NOT r."extra" IS NULL
                  THEN COALESCE(
                    CAST(TO_JSON(
                      CAST(CAST(ARRAY_TO_STRING(
                        LIST_TRANSFORM(
                          REGEXP_EXTRACT_ALL(
                            CAST(r."extra" AS TEXT),
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
              END
            )
          )
          THEN NULL
          ELSE r.record_level_id
        END
      END AS prior_id,
      CASE WHEN r.uncertain AND NOT r.delivered THEN 1 END AS never_delivered,
      m.problem,
      m.mine,
      m.record_id AS m_record_id,
      r.record_id AS r_record_id,
      m.c0 AS m_c0,
      m.c1 AS m_c1,
      m.c2 AS m_c2,
      m.c3 AS m_c3,
      r."id" AS r_c0,
      r."Name" AS r_c1,
      r."total_2" AS r_c2,
      r."extra" AS r_c3
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
    ) AS m
    FULL JOIN "state"."__segment_reverse_etl"."records_map_12345678" AS r
      ON r.record_id = m.record_id
  ) AS pairs
), tailrace_hashes AS MATERIALIZED (
  SELECT
    HASH(record_id) AS hashed
  FROM tailrace_paired
  WHERE
    mine = 1 AND problem IS NULL
  GROUP BY
    hashed
  HAVING
    COUNT(*) > 1
), tailrace_repeated AS MATERIALIZED (
  SELECT
    record_id
  FROM tailrace_paired
  WHERE
    mine = 1
    AND problem IS NULL
    AND HASH(record_id) IN (
      SELECT
        hashed
      FROM tailrace_hashes
    )
  GROUP BY
    record_id
  HAVING
    COUNT(*) > 1
), tailrace_judged AS NOT MATERIALIZED (
  SELECT
    op,
    CASE op
      WHEN 'set_aside'
      THEN COALESCE(problem, 'repeated')
      WHEN 'not_sent'
      THEN CASE WHEN never_delivered = 1 THEN 'mode:added' ELSE 'mode:updated' END
      WHEN 'deleted_not_sent'
      THEN 'mode:deleted'
    END AS reason,
    prior_id,
    mine,
    CASE
      WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent')
      THEN NULL
      ELSE CASE WHEN mine IS NULL THEN r_record_id ELSE m_record_id END
    END AS record_id,
    carried
  FROM (
    SELECT
      CASE
        WHEN mine = 1 AND record_id IN (
          SELECT
            record_id
          FROM tailrace_repeated
        )
        THEN 'set_aside'
        ELSE op
      END AS op,
      prior_id,
      never_delivered,
      problem,
      mine,
      carried,
      record_id AS m_record_id,
      record_id AS r_record_id
    FROM tailrace_paired
  ) AS judged_pairs
)
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
  c0 AS "id",
  c1 AS "Name",
  c2 AS "total_2",
  c3 AS "extra"
FROM (
  SELECT
    op,
    reason,
    prior_id,
    record_id,
    bucket,
    changed.carried[1].c0 AS c0,
    changed.carried[1].c1 AS c1,
    changed.carried[1].c2 AS c2,
    changed.carried[1].c3 AS c3,
    ROW_NUMBER() OVER (PARTITION BY changed.bucket ORDER BY changed.record_id) AS pos
  FROM (
    SELECT
      judged.*,
      CAST(HASH(judged.record_id) % 256 AS INT) AS bucket
    FROM tailrace_judged AS judged
    WHERE
      NOT op IS NULL AND NOT op IN ('not_sent', 'deleted_not_sent')
  ) AS changed
) AS placed
UNION ALL
SELECT
  'count' AS operation,
  CAST(NULL AS TEXT) AS record_id,
  CAST(NULL AS INT) AS bucket,
  CAST(NULL AS BIGINT) AS seq,
  CAST(NULL AS TEXT) AS prior_id,
  CASE
    WHEN kinds.what = 'model'
    THEN 'model_rows'
    ELSE COALESCE(reason, op, 'unchanged')
  END AS reason,
  CAST(CASE WHEN kinds.what = 'model' THEN model_rows ELSE matches END AS BIGINT) AS total,
  CAST(NULL AS INT) AS "id",
  CAST(NULL AS TEXT) AS "Name",
  CAST(NULL AS DECIMAL(10, 2)) AS "total_2",
  CAST(NULL AS JSON) AS "extra"
FROM (
  SELECT
    judged.op,
    judged.reason,
    COUNT(*) AS matches,
    SUM(judged.mine) AS model_rows
  FROM tailrace_judged AS judged
  GROUP BY
    judged.op,
    judged.reason
) AS counts
CROSS JOIN (VALUES
  ('rows'),
  ('model')) AS kinds(what)
WHERE
  kinds.what = 'model'
  AND NOT model_rows IS NULL
  OR kinds.what = 'rows'
  AND (
    op IS NULL OR op IN ('not_sent', 'deleted_not_sent')
  )
