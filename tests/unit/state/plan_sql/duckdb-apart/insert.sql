CREATE TABLE memory.main."model_map_12345678_7_ab" (
  "mine" INT,
  "problem" TEXT,
  "record_id" TEXT,
  "c0" INT,
  "c1" TEXT,
  "c2" DECIMAL(10, 2),
  "c3" JSON
);

INSERT INTO memory.main."model_map_12345678_7_ab" (
  "mine",
  "problem",
  "record_id",
  "c0",
  "c1",
  "c2",
  "c3"
)
SELECT
  1 AS mine,
  CASE
    WHEN model."id" IS NULL OR model."Name" IS NULL
    THEN 'null'
    WHEN (
      model."Name" || '.'
    ) = (
      '' || '.'
    )
    THEN 'empty'
    WHEN (
      TRIM(model."Name", '	
                  　') || '.'
    ) = (
      '' || '.'
    )
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
) AS model;

CREATE TABLE memory.main."counted_map_12345678_7_ab" (
  "mine" INT,
  "problem" TEXT,
  "record_id" TEXT,
  "c0" INT,
  "c1" TEXT,
  "c2" DECIMAL(10, 2),
  "c3" JSON,
  "n" BIGINT
);

INSERT INTO memory.main."counted_map_12345678_7_ab" (
  "mine",
  "problem",
  "record_id",
  "c0",
  "c1",
  "c2",
  "c3",
  "n"
)
SELECT
  keyed.*,
  COALESCE(of_key.n, 0) AS n
FROM memory.main."model_map_12345678_7_ab" AS keyed
LEFT JOIN (
  SELECT
    MIN(exact.record_id) AS record_id,
    COUNT(*) AS n
  FROM (
    SELECT
      rows_of.record_id,
      (
        rows_of.record_id || '.'
      ) AS exact_id
    FROM memory.main."model_map_12345678_7_ab" AS rows_of
    WHERE
      NOT rows_of.record_id IS NULL
  ) AS exact
  GROUP BY
    exact.exact_id
) AS of_key
  ON RTRIM(of_key.record_id) = RTRIM(keyed.record_id)
  AND (
    of_key.record_id || '.'
  ) = (
    keyed.record_id || '.'
  );

CREATE TABLE memory.main."judged_map_12345678_7_ab" (
  "op" TEXT,
  "reason" TEXT,
  "prior_id" TEXT,
  "mine" INT,
  "record_id" TEXT,
  "c0" INT,
  "c1" TEXT,
  "c2" DECIMAL(10, 2),
  "c3" JSON
);

INSERT INTO memory.main."judged_map_12345678_7_ab" (
  "op",
  "reason",
  "prior_id",
  "mine",
  "record_id",
  "c0",
  "c1",
  "c2",
  "c3"
)
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
  CASE WHEN mine IS NULL THEN r_record_id ELSE m_record_id END AS record_id,
  CASE
    WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent')
    THEN NULL
    ELSE CASE WHEN mine IS NULL THEN r_c0 ELSE m_c0 END
  END AS c0,
  CASE
    WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent')
    THEN NULL
    ELSE CASE WHEN mine IS NULL THEN r_c1 ELSE m_c1 END
  END AS c1,
  CASE
    WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent')
    THEN NULL
    ELSE CASE WHEN mine IS NULL THEN r_c2 ELSE m_c2 END
  END AS c2,
  CASE
    WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent')
    THEN NULL
    ELSE CASE WHEN mine IS NULL THEN r_c3 ELSE m_c3 END
  END AS c3
FROM (
  SELECT
    CASE
      WHEN m.mine IS NULL AND (
        r.delivered OR r.uncertain
      )
      THEN 'deleted_not_sent'
      WHEN m.mine IS NULL
      THEN 'drop'
      WHEN NOT m.problem IS NULL OR m.n > 1
      THEN 'set_aside'
      WHEN r.record_id IS NULL
      THEN 'added'
      WHEN r.uncertain
      THEN CASE WHEN r.delivered OR r.baseline = 'known' THEN 'not_sent' ELSE 'added' END
      WHEN r.baseline = 'unsent'
      THEN 'added'
      WHEN (
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
      THEN 'not_sent'
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
  FROM memory.main."counted_map_12345678_7_ab" AS m
  LEFT JOIN "state"."__segment_reverse_etl"."records_map_12345678" AS r
    ON RTRIM(r.record_id) = RTRIM(m.record_id)
    AND (
      r.record_id || '.'
    ) = (
      m.record_id || '.'
    )
  UNION ALL
  SELECT
    CASE
      WHEN m.mine IS NULL AND (
        r.delivered OR r.uncertain
      )
      THEN 'deleted_not_sent'
      WHEN m.mine IS NULL
      THEN 'drop'
      WHEN NOT m.problem IS NULL OR m.n > 1
      THEN 'set_aside'
      WHEN r.record_id IS NULL
      THEN 'added'
      WHEN r.uncertain
      THEN CASE WHEN r.delivered OR r.baseline = 'known' THEN 'not_sent' ELSE 'added' END
      WHEN r.baseline = 'unsent'
      THEN 'added'
      WHEN (
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
      THEN 'not_sent'
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
  FROM "state"."__segment_reverse_etl"."records_map_12345678" AS r
  LEFT JOIN memory.main."counted_map_12345678_7_ab" AS m
    ON RTRIM(r.record_id) = RTRIM(m.record_id)
    AND (
      r.record_id || '.'
    ) = (
      m.record_id || '.'
    )
  WHERE
    m.mine IS NULL
) AS judged_pairs;

CREATE TABLE memory.main."placed_map_12345678_7_ab" (
  "op" TEXT,
  "reason" TEXT,
  "prior_id" TEXT,
  "record_id" TEXT,
  "bucket" INT,
  "pos" BIGINT,
  "c0" INT,
  "c1" TEXT,
  "c2" DECIMAL(10, 2),
  "c3" JSON
);

INSERT INTO memory.main."placed_map_12345678_7_ab" (
  "op",
  "reason",
  "prior_id",
  "record_id",
  "bucket",
  "pos",
  "c0",
  "c1",
  "c2",
  "c3"
)
SELECT
  op,
  reason,
  prior_id,
  record_id,
  bucket,
  pos,
  c0,
  c1,
  c2,
  c3
FROM (
  SELECT
    rows_of.*,
    ROW_NUMBER() OVER () AS pos
  FROM (
    SELECT
      rows_of.*,
      (
        rows_of.record_id || '.'
      ) AS exact_id
    FROM (
      SELECT
        judged.*,
        CAST(HASH(judged.record_id) % 256 AS INT) AS bucket
      FROM memory.main."judged_map_12345678_7_ab" AS judged
      WHERE
        NOT op IS NULL AND NOT op IN ('not_sent', 'deleted_not_sent')
    ) AS rows_of
    ORDER BY
      bucket,
      exact_id
  ) AS rows_of
) AS numbered;

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
    f.*
  FROM memory.main."placed_map_12345678_7_ab" AS f
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
  FROM memory.main."judged_map_12345678_7_ab" AS judged
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
  );

DROP TABLE IF EXISTS memory.main."placed_map_12345678_7_ab";

DROP TABLE IF EXISTS memory.main."judged_map_12345678_7_ab";

DROP TABLE IF EXISTS memory.main."counted_map_12345678_7_ab";

DROP TABLE IF EXISTS memory.main."model_map_12345678_7_ab"
