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
    CASE
      WHEN l.op IN ('added', 'updated', 'deleted') AND l.rank > 10
      THEN CASE l.op WHEN 'deleted' THEN 'deleted_not_sent' ELSE 'not_sent' END
      ELSE l.op
    END AS op,
    CASE
      WHEN l.op IN ('added', 'updated', 'deleted') AND l.rank > 10
      THEN 'limit:' || l.op
      ELSE l.reason
    END AS reason,
    CASE
      WHEN l.op IN ('added', 'updated', 'deleted') AND l.rank > 10
      THEN NULL
      ELSE l.prior_id
    END AS prior_id,
    l.record_id AS record_id,
    l.bucket AS bucket,
    l.pos AS pos,
    CASE
      WHEN l.op IN ('added', 'updated', 'deleted') AND l.rank > 10
      THEN NULL
      ELSE l.c0
    END AS c0,
    CASE
      WHEN l.op IN ('added', 'updated', 'deleted') AND l.rank > 10
      THEN NULL
      ELSE l.c1
    END AS c1,
    CASE
      WHEN l.op IN ('added', 'updated', 'deleted') AND l.rank > 10
      THEN NULL
      ELSE l.c2
    END AS c2,
    CASE
      WHEN l.op IN ('added', 'updated', 'deleted') AND l.rank > 10
      THEN NULL
      ELSE l.c3
    END AS c3
  FROM (
    SELECT
      l.*,
      SUM(CASE WHEN l.op IN ('added', 'updated', 'deleted') THEN 1 ELSE 0 END) OVER (ORDER BY l.bucket, l.record_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS rank
    FROM (
      SELECT
        CASE
          WHEN m.problem IS NOT NULL OR m.n > 1
          THEN 'set_aside'
          ELSE 'baseline_known'
        END AS op,
        CASE WHEN m.problem IS NOT NULL THEN m.problem WHEN m.n > 1 THEN 'repeated' END AS reason,
        CAST(NULL AS TEXT) AS prior_id,
        m.record_id,
        m.bucket,
        m.pos,
        m.c0,
        m.c1,
        m.c2,
        m.c3
      FROM (
        SELECT
          keyed.*,
          COUNT(*) OVER w AS n,
          ROW_NUMBER() OVER w AS pos
        FROM (
          SELECT
            k.*,
            (
              HASHTEXT(k.record_id) & 255
            ) AS bucket
          FROM (
            SELECT
              TRUE AS mine,
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
          ) AS k
        ) AS keyed
        WINDOW w AS (PARTITION BY bucket ORDER BY record_id RANGE BETWEEN CURRENT ROW AND CURRENT ROW)
      ) AS m
    ) AS l
  ) AS l
) AS placed
