WITH tailrace_judged AS MATERIALIZED (
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
        THEN 'deleted'
        WHEN m.mine IS NULL
        THEN 'drop'
        WHEN m.problem IS NOT NULL OR m.n > 1
        THEN 'set_aside'
        WHEN r.record_id IS NULL
        THEN 'added'
        WHEN r.uncertain
        THEN CASE WHEN r.delivered OR r.baseline = 'known' THEN 'updated' ELSE 'added' END
        WHEN r.baseline = 'unsent'
        THEN 'added'
        WHEN (
          m.c0 IS DISTINCT FROM r."id"
          OR (
            m.c1 COLLATE "C"
          ) IS DISTINCT FROM (
            r."Name" COLLATE "C"
          )
          OR m.c2 IS DISTINCT FROM r."total_2"
          OR CASE
            WHEN (
              CAST(m.c3 AS TEXT) COLLATE "C"
            ) IS NOT DISTINCT FROM (
              CAST(r."extra" AS TEXT) COLLATE "C"
            )
            THEN FALSE
            WHEN (
              (
                CAST(m.c3 AS TEXT) COLLATE "C"
              ) ~* '\\u(0000|d[89a-f])|e[+]?[0-9]{5}'
              OR POSITION('\u' IN (
                CAST(m.c3 AS TEXT) COLLATE "C"
              )) > 0
              AND GETDATABASEENCODING() <> 'UTF8'
            )
            OR (
              (
                CAST(r."extra" AS TEXT) COLLATE "C"
              ) ~* '\\u(0000|d[89a-f])|e[+]?[0-9]{5}'
              OR POSITION('\u' IN (
                CAST(r."extra" AS TEXT) COLLATE "C"
              )) > 0
              AND GETDATABASEENCODING() <> 'UTF8'
            )
            THEN TRUE
            ELSE CAST(m.c3 AS JSONB) IS DISTINCT FROM CAST(r."extra" AS JSONB)
          END
        )
        THEN 'updated'
      END AS op,
      CASE
        WHEN r.uncertain AND r.record_level_id IS NOT NULL
        THEN CASE
          WHEN m.mine IS NULL
          THEN CASE
            WHEN r.record_level_id LIKE 'deleted:%'
            THEN SUBSTRING(r.record_level_id FROM 9)
          END
          WHEN r.record_level_id LIKE 'deleted:%'
          OR (
            m.c0 IS DISTINCT FROM r."id"
            OR (
              m.c1 COLLATE "C"
            ) IS DISTINCT FROM (
              r."Name" COLLATE "C"
            )
            OR m.c2 IS DISTINCT FROM r."total_2"
            OR CASE
              WHEN (
                CAST(m.c3 AS TEXT) COLLATE "C"
              ) IS NOT DISTINCT FROM (
                CAST(r."extra" AS TEXT) COLLATE "C"
              )
              THEN FALSE
              WHEN (
                (
                  CAST(m.c3 AS TEXT) COLLATE "C"
                ) ~* '\\u(0000|d[89a-f])|e[+]?[0-9]{5}'
                OR POSITION('\u' IN (
                  CAST(m.c3 AS TEXT) COLLATE "C"
                )) > 0
                AND GETDATABASEENCODING() <> 'UTF8'
              )
              OR (
                (
                  CAST(r."extra" AS TEXT) COLLATE "C"
                ) ~* '\\u(0000|d[89a-f])|e[+]?[0-9]{5}'
                OR POSITION('\u' IN (
                  CAST(r."extra" AS TEXT) COLLATE "C"
                )) > 0
                AND GETDATABASEENCODING() <> 'UTF8'
              )
              THEN TRUE
              ELSE CAST(m.c3 AS JSONB) IS DISTINCT FROM CAST(r."extra" AS JSONB)
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
    FROM (
      SELECT
        keyed.*,
        COUNT(*) OVER (PARTITION BY keyed.record_id) AS n
      FROM (
        SELECT
          1 AS mine,
          CASE
            WHEN model."id" IS NULL OR model."Name" IS NULL
            THEN 'null'
            WHEN CAST(model."Name" AS TEXT) = ''
            THEN 'empty'
            WHEN TRIM('	
                  　' FROM CAST(model."Name" AS TEXT)) = ''
            THEN 'blank'
          END AS problem,
          (
            (
              '[' || CAST(TO_JSON(CAST(model."id" AS TEXT)) AS TEXT) || ',' || CAST(TO_JSON(CAST(model."Name" AS TEXT)) AS TEXT) || ']'
            ) COLLATE "C"
          ) AS record_id,
          CAST(model."id" AS INT) AS c0,
          CAST(model."Name" AS TEXT) AS c1,
          CAST(model."total" AS DECIMAL) AS c2,
          CAST(model."extra" AS JSON) AS c3
        FROM (
          SELECT
            *
          FROM orders
        ) AS model
      ) AS keyed
    ) AS m
    FULL JOIN "__segment_reverse_etl"."records_map_12345678" AS r
      ON r.record_id = m.record_id
    OFFSET 0
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
    c0,
    c1,
    c2,
    c3,
    ROW_NUMBER() OVER (PARTITION BY changed.bucket ORDER BY changed.record_id) AS pos
  FROM (
    SELECT
      judged.*,
      (
        HASHTEXT(judged.record_id) & 255
      ) AS bucket
    FROM tailrace_judged AS judged
    WHERE
      op IS NOT NULL AND NOT op IN ('not_sent', 'deleted_not_sent')
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
  CAST(NULL AS DECIMAL) AS "total_2",
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
  AND model_rows IS NOT NULL
  OR kinds.what = 'rows'
  AND (
    op IS NULL OR op IN ('not_sent', 'deleted_not_sent')
  )
