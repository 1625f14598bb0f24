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
        CAST(CASE
          WHEN NOT m.problem IS NULL OR m.n > 1
          THEN 'set_aside'
          ELSE 'baseline_known'
        END AS TEXT) AS op,
        CAST(CASE WHEN NOT m.problem IS NULL THEN m.problem WHEN m.n > 1 THEN 'repeated' END AS TEXT) AS reason,
        CAST(NULL AS TEXT) AS prior_id,
        m.record_id,
        m.bucket,
        m.c0,
        m.c1,
        m.c2,
        m.c3
      FROM (
        SELECT
          k.*,
          CAST(HASH(k.record_id) % 256 AS INT) AS bucket
        FROM memory.main."counted_map_12345678_7_ab" AS k
      ) AS m
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
) AS placed;

DROP TABLE IF EXISTS memory.main."placed_map_12345678_7_ab";

DROP TABLE IF EXISTS memory.main."counted_map_12345678_7_ab";

DROP TABLE IF EXISTS memory.main."model_map_12345678_7_ab"
