DECLARE GLOBAL TEMPORARY TABLE SESSION."MODEL_MAP_12345678" ("MINE" INTEGER, "PROBLEM" VARCHAR(4000), "RECORD_ID" VARCHAR(4000), "C0" BIGINT, "C1" VARCHAR(20), "C2" DECIMAL(10,2), "C3" VARCHAR(500), "C4" TIMESTAMP) ON COMMIT PRESERVE ROWS NOT LOGGED;

INSERT INTO SESSION."MODEL_MAP_12345678"
WITH big AS (SELECT * FROM shop.orders WHERE total > 5)
SELECT 1 AS mine, CASE WHEN model."ID" IS NULL OR model."Name" IS NULL THEN 'null' WHEN LENGTH(('"' || REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(CAST(model."ID" AS VARCHAR(20)), '\', '\\'), '"', '\"'), '	', '\t'), '
', '\n'), '', '\r') || '"')) + LENGTH(('"' || REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(RTRIM(model."Name"), '\', '\\'), '"', '\"'), '	', '\t'), '
', '\n'), '', '\r') || '"')) > 3997 THEN 'long' WHEN LENGTH(RTRIM(model."Name")) = 0 THEN 'empty' WHEN LENGTH(RTRIM(LTRIM(RTRIM(model."Name"), '	
                  　'), '	
                  　')) = 0 THEN 'blank' END AS problem, CAST(('[' || '"' || REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(CAST(model."ID" AS VARCHAR(20)), '\', '\\'), '"', '\"'), '	', '\t'), '
', '\n'), '', '\r') || '"' || ',' || '"' || REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(RTRIM(model."Name"), '\', '\\'), '"', '\"'), '	', '\t'), '
', '\n'), '', '\r') || '"' || ']') AS VARCHAR(4000)) AS record_id, CAST(model."ID" AS BIGINT) AS c0, CAST(RTRIM(model."Name") AS VARCHAR(20)) AS c1, model."TOTAL" AS c2, model."EXTRA_JSON" AS c3, model."MOMENT" AS c4
FROM (
SELECT * FROM big
) AS model;

DECLARE GLOBAL TEMPORARY TABLE SESSION."COUNTED_MAP_12345678" ("MINE" INTEGER, "PROBLEM" VARCHAR(4000), "RECORD_ID" VARCHAR(4000), "C0" BIGINT, "C1" VARCHAR(20), "C2" DECIMAL(10,2), "C3" VARCHAR(500), "C4" TIMESTAMP, "N" BIGINT) ON COMMIT PRESERVE ROWS NOT LOGGED;

INSERT INTO SESSION."COUNTED_MAP_12345678"
SELECT keyed.*, coalesce(of_key.n, 0) AS n
FROM SESSION."MODEL_MAP_12345678" AS keyed LEFT JOIN (SELECT min(exact.record_id) AS record_id, count(*) AS n FROM (SELECT rows_of.record_id, HASH(rows_of.record_id, 2) AS exact_id FROM SESSION."MODEL_MAP_12345678" AS rows_of WHERE rows_of.record_id IS NOT NULL) AS exact GROUP BY exact.exact_id) AS of_key ON (of_key.record_id = keyed.record_id AND HASH(of_key.record_id, 2) = HASH(keyed.record_id, 2));

DECLARE GLOBAL TEMPORARY TABLE SESSION."PLACED_MAP_12345678" ("OP" VARCHAR(4000), "REASON" VARCHAR(4000), "PRIOR_ID" VARCHAR(4000), "RECORD_ID" VARCHAR(4000), "BUCKET" INTEGER, "POS" BIGINT, "C0" BIGINT, "C1" VARCHAR(20), "C2" DECIMAL(10,2), "C3" VARCHAR(500), "C4" TIMESTAMP) ON COMMIT PRESERVE ROWS NOT LOGGED;

INSERT INTO SESSION."PLACED_MAP_12345678"
SELECT op, reason, prior_id, record_id, bucket, pos, c0, c1, c2, c3, c4
FROM (
SELECT rows_of.*, ROW_NUMBER() OVER () AS pos FROM (
SELECT rows_of.*, HASH(rows_of.record_id, 2) AS exact_id
FROM (
SELECT CAST(CASE WHEN m.problem IS NOT NULL OR m.n > 1 THEN 'set_aside' ELSE 'added' END AS VARCHAR(4000)) AS op, CAST(CASE WHEN m.problem IS NOT NULL THEN m.problem WHEN m.n > 1 THEN 'repeated' END AS VARCHAR(4000)) AS reason, CAST(NULL AS VARCHAR(4000)) AS prior_id, m.record_id, m.bucket, m.c0, m.c1, m.c2, m.c3, m.c4
FROM (
SELECT k.*, ((LOCATE(SUBSTR(HEX(HASH(k.record_id, 2)), 1, 1), '0123456789ABCDEF') - 1) * 16 + (LOCATE(SUBSTR(HEX(HASH(k.record_id, 2)), 2, 1), '0123456789ABCDEF') - 1)) AS bucket FROM SESSION."COUNTED_MAP_12345678" AS k
) AS m
) AS rows_of
ORDER BY bucket, exact_id
) AS rows_of
) AS numbered;

/* columns as in */ CREATE TABLE "SEGMENT_REVERSE_ETL"."CHANGES_MAP_12345678_1_1" AS (
SELECT op AS operation, record_id, bucket, CASE WHEN op IN ('added', 'updated', 'deleted', 'candidate') THEN CAST(bucket AS BIGINT) * 1099511627776 + pos END AS seq, prior_id, reason, CAST(NULL AS BIGINT) AS total, c0 AS "ID", c1 AS "Name", c2 AS "TOTAL_2", c3 AS "EXTRA_JSON", c4 AS "MOMENT"
FROM (
SELECT f.* FROM SESSION."PLACED_MAP_12345678" AS f
) AS placed
) WITH NO DATA;

INSERT INTO "SEGMENT_REVERSE_ETL"."CHANGES_MAP_12345678_1_1"
SELECT op AS operation, record_id, bucket, CASE WHEN op IN ('added', 'updated', 'deleted', 'candidate') THEN CAST(bucket AS BIGINT) * 1099511627776 + pos END AS seq, prior_id, reason, CAST(NULL AS BIGINT) AS total, c0 AS "ID", c1 AS "Name", c2 AS "TOTAL_2", c3 AS "EXTRA_JSON", c4 AS "MOMENT"
FROM (
SELECT f.* FROM SESSION."PLACED_MAP_12345678" AS f
) AS placed;

COMMENT ON TABLE "SEGMENT_REVERSE_ETL"."CHANGES_MAP_12345678_1_1" IS 'tailrace:1';

DROP TABLE SESSION."PLACED_MAP_12345678";

DROP TABLE SESSION."COUNTED_MAP_12345678";

DROP TABLE SESSION."MODEL_MAP_12345678";

SELECT p.seq AS "_SEQ", p.record_id AS "_KEY", p.operation AS "_OPERATION", p.prior_id AS "_PRIOR_ID", p."ID" AS "ID", p."Name" AS "Name", p."TOTAL_2" AS "TOTAL", p."EXTRA_JSON" AS "EXTRA_JSON", p."MOMENT" AS "MOMENT" FROM "SEGMENT_REVERSE_ETL"."CHANGES_MAP_12345678_1_1" AS p WHERE p.seq BETWEEN 0 AND 9 AND p.operation IN ('added', 'updated', 'deleted')
