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

DECLARE GLOBAL TEMPORARY TABLE SESSION."JUDGED_MAP_12345678" ("OP" VARCHAR(4000), "REASON" VARCHAR(4000), "PRIOR_ID" VARCHAR(4000), "MINE" INTEGER, "RECORD_ID" VARCHAR(4000), "C0" BIGINT, "C1" VARCHAR(20), "C2" DECIMAL(10,2), "C3" VARCHAR(500), "C4" TIMESTAMP) ON COMMIT PRESERVE ROWS NOT LOGGED;

INSERT INTO SESSION."JUDGED_MAP_12345678"
SELECT op, CASE op WHEN 'set_aside' THEN coalesce(problem, 'repeated') WHEN 'not_sent' THEN CASE WHEN never_delivered = 1 THEN 'mode:added' ELSE 'mode:updated' END WHEN 'deleted_not_sent' THEN 'mode:deleted' END AS reason, prior_id, mine, CASE WHEN mine IS NULL THEN r_record_id ELSE m_record_id END AS record_id, CASE WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent') THEN NULL ELSE CASE WHEN mine IS NULL THEN r_c0 ELSE m_c0 END END AS c0, CASE WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent') THEN NULL ELSE CASE WHEN mine IS NULL THEN r_c1 ELSE m_c1 END END AS c1, CASE WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent') THEN NULL ELSE CASE WHEN mine IS NULL THEN r_c2 ELSE m_c2 END END AS c2, CASE WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent') THEN NULL ELSE CASE WHEN mine IS NULL THEN r_c3 ELSE m_c3 END END AS c3, CASE WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent') THEN NULL ELSE CASE WHEN mine IS NULL THEN r_c4 ELSE m_c4 END END AS c4
FROM (
SELECT CASE WHEN m.mine IS NULL AND (r.delivered = TRUE OR r.uncertain = TRUE) THEN 'deleted' WHEN m.mine IS NULL THEN 'drop' WHEN m.problem IS NOT NULL OR m.n > 1 THEN 'set_aside' WHEN r.record_id IS NULL THEN 'added' WHEN r.uncertain = TRUE THEN CASE WHEN r.delivered = TRUE OR r.baseline = 'known' THEN 'updated' ELSE 'added' END WHEN r.baseline = 'unsent' THEN 'added' WHEN (CASE WHEN m.c0 = r."ID" THEN 0 WHEN m.c0 IS NULL AND r."ID" IS NULL THEN 0 ELSE 1 END = 1 OR CASE WHEN HASH(m.c1, 2) = HASH(r."Name", 2) THEN 0 WHEN m.c1 IS NULL AND r."Name" IS NULL THEN 0 ELSE 1 END = 1 OR CASE WHEN m.c2 = r."TOTAL_2" THEN 0 WHEN m.c2 IS NULL AND r."TOTAL_2" IS NULL THEN 0 ELSE 1 END = 1 OR CASE WHEN HASH(m.c3, 2) = HASH(r."EXTRA_JSON", 2) THEN 0 WHEN m.c3 IS NULL AND r."EXTRA_JSON" IS NULL THEN 0 ELSE 1 END = 1 OR CASE WHEN m.c4 = r."MOMENT" THEN 0 WHEN m.c4 IS NULL AND r."MOMENT" IS NULL THEN 0 ELSE 1 END = 1) THEN 'updated' END AS op, CASE WHEN r.uncertain = TRUE AND r.record_level_id IS NOT NULL THEN CASE WHEN m.mine IS NULL THEN CASE WHEN r.record_level_id LIKE 'deleted:%' THEN substr(r.record_level_id, 9) END WHEN r.record_level_id LIKE 'deleted:%' OR (CASE WHEN m.c0 = r."ID" THEN 0 WHEN m.c0 IS NULL AND r."ID" IS NULL THEN 0 ELSE 1 END = 1 OR CASE WHEN HASH(m.c1, 2) = HASH(r."Name", 2) THEN 0 WHEN m.c1 IS NULL AND r."Name" IS NULL THEN 0 ELSE 1 END = 1 OR CASE WHEN m.c2 = r."TOTAL_2" THEN 0 WHEN m.c2 IS NULL AND r."TOTAL_2" IS NULL THEN 0 ELSE 1 END = 1 OR CASE WHEN HASH(m.c3, 2) = HASH(r."EXTRA_JSON", 2) THEN 0 WHEN m.c3 IS NULL AND r."EXTRA_JSON" IS NULL THEN 0 ELSE 1 END = 1 OR CASE WHEN m.c4 = r."MOMENT" THEN 0 WHEN m.c4 IS NULL AND r."MOMENT" IS NULL THEN 0 ELSE 1 END = 1) THEN NULL ELSE r.record_level_id END END AS prior_id, CASE WHEN r.uncertain = TRUE AND NOT r.delivered = TRUE THEN 1 END AS never_delivered, m.problem, m.mine, m.record_id AS m_record_id, r.record_id AS r_record_id, m.c0 AS m_c0, m.c1 AS m_c1, m.c2 AS m_c2, m.c3 AS m_c3, m.c4 AS m_c4, r."ID" AS r_c0, r."Name" AS r_c1, r."TOTAL_2" AS r_c2, r."EXTRA_JSON" AS r_c3, r."MOMENT" AS r_c4
FROM SESSION."COUNTED_MAP_12345678" AS m LEFT JOIN "SEGMENT_REVERSE_ETL"."RECORDS_MAP_12345678" AS r ON (r.record_id = m.record_id AND HASH(r.record_id, 2) = HASH(m.record_id, 2))
UNION ALL
SELECT CASE WHEN m.mine IS NULL AND (r.delivered = TRUE OR r.uncertain = TRUE) THEN 'deleted' WHEN m.mine IS NULL THEN 'drop' WHEN m.problem IS NOT NULL OR m.n > 1 THEN 'set_aside' WHEN r.record_id IS NULL THEN 'added' WHEN r.uncertain = TRUE THEN CASE WHEN r.delivered = TRUE OR r.baseline = 'known' THEN 'updated' ELSE 'added' END WHEN r.baseline = 'unsent' THEN 'added' WHEN (CASE WHEN m.c0 = r."ID" THEN 0 WHEN m.c0 IS NULL AND r."ID" IS NULL THEN 0 ELSE 1 END = 1 OR CASE WHEN HASH(m.c1, 2) = HASH(r."Name", 2) THEN 0 WHEN m.c1 IS NULL AND r."Name" IS NULL THEN 0 ELSE 1 END = 1 OR CASE WHEN m.c2 = r."TOTAL_2" THEN 0 WHEN m.c2 IS NULL AND r."TOTAL_2" IS NULL THEN 0 ELSE 1 END = 1 OR CASE WHEN HASH(m.c3, 2) = HASH(r."EXTRA_JSON", 2) THEN 0 WHEN m.c3 IS NULL AND r."EXTRA_JSON" IS NULL THEN 0 ELSE 1 END = 1 OR CASE WHEN m.c4 = r."MOMENT" THEN 0 WHEN m.c4 IS NULL AND r."MOMENT" IS NULL THEN 0 ELSE 1 END = 1) THEN 'updated' END AS op, CASE WHEN r.uncertain = TRUE AND r.record_level_id IS NOT NULL THEN CASE WHEN m.mine IS NULL THEN CASE WHEN r.record_level_id LIKE 'deleted:%' THEN substr(r.record_level_id, 9) END WHEN r.record_level_id LIKE 'deleted:%' OR (CASE WHEN m.c0 = r."ID" THEN 0 WHEN m.c0 IS NULL AND r."ID" IS NULL THEN 0 ELSE 1 END = 1 OR CASE WHEN HASH(m.c1, 2) = HASH(r."Name", 2) THEN 0 WHEN m.c1 IS NULL AND r."Name" IS NULL THEN 0 ELSE 1 END = 1 OR CASE WHEN m.c2 = r."TOTAL_2" THEN 0 WHEN m.c2 IS NULL AND r."TOTAL_2" IS NULL THEN 0 ELSE 1 END = 1 OR CASE WHEN HASH(m.c3, 2) = HASH(r."EXTRA_JSON", 2) THEN 0 WHEN m.c3 IS NULL AND r."EXTRA_JSON" IS NULL THEN 0 ELSE 1 END = 1 OR CASE WHEN m.c4 = r."MOMENT" THEN 0 WHEN m.c4 IS NULL AND r."MOMENT" IS NULL THEN 0 ELSE 1 END = 1) THEN NULL ELSE r.record_level_id END END AS prior_id, CASE WHEN r.uncertain = TRUE AND NOT r.delivered = TRUE THEN 1 END AS never_delivered, m.problem, m.mine, m.record_id AS m_record_id, r.record_id AS r_record_id, m.c0 AS m_c0, m.c1 AS m_c1, m.c2 AS m_c2, m.c3 AS m_c3, m.c4 AS m_c4, r."ID" AS r_c0, r."Name" AS r_c1, r."TOTAL_2" AS r_c2, r."EXTRA_JSON" AS r_c3, r."MOMENT" AS r_c4
FROM "SEGMENT_REVERSE_ETL"."RECORDS_MAP_12345678" AS r LEFT JOIN SESSION."COUNTED_MAP_12345678" AS m ON (r.record_id = m.record_id AND HASH(r.record_id, 2) = HASH(m.record_id, 2)) WHERE m.mine IS NULL

) AS judged_pairs;

DECLARE GLOBAL TEMPORARY TABLE SESSION."PLACED_MAP_12345678" ("OP" VARCHAR(4000), "REASON" VARCHAR(4000), "PRIOR_ID" VARCHAR(4000), "RECORD_ID" VARCHAR(4000), "BUCKET" INTEGER, "POS" BIGINT, "C0" BIGINT, "C1" VARCHAR(20), "C2" DECIMAL(10,2), "C3" VARCHAR(500), "C4" TIMESTAMP) ON COMMIT PRESERVE ROWS NOT LOGGED;

INSERT INTO SESSION."PLACED_MAP_12345678"
SELECT op, reason, prior_id, record_id, bucket, pos, c0, c1, c2, c3, c4
FROM (
SELECT rows_of.*, ROW_NUMBER() OVER () AS pos FROM (
SELECT rows_of.*, HASH(rows_of.record_id, 2) AS exact_id
FROM (
SELECT judged.*, ((LOCATE(SUBSTR(HEX(HASH(judged.record_id, 2)), 1, 1), '0123456789ABCDEF') - 1) * 16 + (LOCATE(SUBSTR(HEX(HASH(judged.record_id, 2)), 2, 1), '0123456789ABCDEF') - 1)) AS bucket FROM SESSION."JUDGED_MAP_12345678" AS judged WHERE op IS NOT NULL AND op NOT IN ('not_sent', 'deleted_not_sent')
) AS rows_of
ORDER BY bucket, exact_id
) AS rows_of
) AS numbered;

/* columns as in */ CREATE TABLE "SEGMENT_REVERSE_ETL"."CHANGES_MAP_12345678_1_1" AS (
SELECT op AS operation, record_id, bucket, CASE WHEN op IN ('added', 'updated', 'deleted', 'candidate') THEN CAST(bucket AS BIGINT) * 1099511627776 + pos END AS seq, prior_id, reason, CAST(NULL AS BIGINT) AS total, c0 AS "ID", c1 AS "Name", c2 AS "TOTAL_2", c3 AS "EXTRA_JSON", c4 AS "MOMENT"
FROM (
SELECT f.* FROM SESSION."PLACED_MAP_12345678" AS f
) AS placed
UNION ALL
SELECT 'count' AS operation, CAST(NULL AS VARCHAR(4000)) AS record_id, CAST(NULL AS INTEGER) AS bucket, CAST(NULL AS BIGINT) AS seq, CAST(NULL AS VARCHAR(4000)) AS prior_id, CASE WHEN kinds.what = 'model' THEN 'model_rows' ELSE coalesce(reason, op, 'unchanged') END AS reason, CAST(CASE WHEN kinds.what = 'model' THEN model_rows ELSE matches END AS BIGINT) AS total, CAST(NULL AS BIGINT) AS "ID", CAST(NULL AS VARCHAR(20)) AS "Name", CAST(NULL AS DECIMAL(10,2)) AS "TOTAL_2", CAST(NULL AS VARCHAR(500)) AS "EXTRA_JSON", CAST(NULL AS TIMESTAMP) AS "MOMENT"
FROM (SELECT judged.op, judged.reason, count(*) AS matches, sum(judged.mine) AS model_rows FROM SESSION."JUDGED_MAP_12345678" AS judged GROUP BY judged.op, judged.reason) AS counts CROSS JOIN (VALUES ('rows'), ('model')) AS kinds(what) WHERE kinds.what = 'model' AND model_rows IS NOT NULL OR kinds.what = 'rows' AND (op IS NULL OR op IN ('not_sent', 'deleted_not_sent'))
) WITH NO DATA;

INSERT INTO "SEGMENT_REVERSE_ETL"."CHANGES_MAP_12345678_1_1"
SELECT op AS operation, record_id, bucket, CASE WHEN op IN ('added', 'updated', 'deleted', 'candidate') THEN CAST(bucket AS BIGINT) * 1099511627776 + pos END AS seq, prior_id, reason, CAST(NULL AS BIGINT) AS total, c0 AS "ID", c1 AS "Name", c2 AS "TOTAL_2", c3 AS "EXTRA_JSON", c4 AS "MOMENT"
FROM (
SELECT f.* FROM SESSION."PLACED_MAP_12345678" AS f
) AS placed
UNION ALL
SELECT 'count' AS operation, CAST(NULL AS VARCHAR(4000)) AS record_id, CAST(NULL AS INTEGER) AS bucket, CAST(NULL AS BIGINT) AS seq, CAST(NULL AS VARCHAR(4000)) AS prior_id, CASE WHEN kinds.what = 'model' THEN 'model_rows' ELSE coalesce(reason, op, 'unchanged') END AS reason, CAST(CASE WHEN kinds.what = 'model' THEN model_rows ELSE matches END AS BIGINT) AS total, CAST(NULL AS BIGINT) AS "ID", CAST(NULL AS VARCHAR(20)) AS "Name", CAST(NULL AS DECIMAL(10,2)) AS "TOTAL_2", CAST(NULL AS VARCHAR(500)) AS "EXTRA_JSON", CAST(NULL AS TIMESTAMP) AS "MOMENT"
FROM (SELECT judged.op, judged.reason, count(*) AS matches, sum(judged.mine) AS model_rows FROM SESSION."JUDGED_MAP_12345678" AS judged GROUP BY judged.op, judged.reason) AS counts CROSS JOIN (VALUES ('rows'), ('model')) AS kinds(what) WHERE kinds.what = 'model' AND model_rows IS NOT NULL OR kinds.what = 'rows' AND (op IS NULL OR op IN ('not_sent', 'deleted_not_sent'));

COMMENT ON TABLE "SEGMENT_REVERSE_ETL"."CHANGES_MAP_12345678_1_1" IS 'tailrace:1';

DROP TABLE SESSION."PLACED_MAP_12345678";

DROP TABLE SESSION."JUDGED_MAP_12345678";

DROP TABLE SESSION."COUNTED_MAP_12345678";

DROP TABLE SESSION."MODEL_MAP_12345678";

SELECT p.seq AS "_SEQ", p.record_id AS "_KEY", p.operation AS "_OPERATION", p.prior_id AS "_PRIOR_ID", p."ID" AS "ID", p."Name" AS "Name", p."TOTAL_2" AS "TOTAL", p."EXTRA_JSON" AS "EXTRA_JSON", p."MOMENT" AS "MOMENT" FROM "SEGMENT_REVERSE_ETL"."CHANGES_MAP_12345678_1_1" AS p WHERE p.seq BETWEEN 0 AND 9 AND p.operation IN ('added', 'updated', 'deleted')
