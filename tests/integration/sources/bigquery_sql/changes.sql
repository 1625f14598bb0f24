-- SELECT
SELECT owner, layout FROM `project`.`__segment_reverse_etl`.`tailrace_meta`;

-- SELECT
SELECT `source_id`, `model_id`, `checkpoint`, `n`, `sync_id`, `phase`, `plan_table`, `counts`, `columns`, `fingerprint`, `spec`, `destination`, `project`, `mapping`, `row_count`, `planned_at`, `owner`, `holder`, `fence`, `lease_until`, `job`, `approval`, `first`, CURRENT_TIMESTAMP() FROM `project`.`__segment_reverse_etl`.`checkpoints_ID`;

-- SELECT in a session
SELECT 1 AS one;

-- UPDATE
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `owner` = 'DIGEST', `holder` = 'DOCUMENT', `fence` = 2, `lease_until` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 90000000 MICROSECOND), `job` = 'DOCUMENT' WHERE fence = 1 AND (owner IS NULL OR lease_until IS NULL OR lease_until <= CURRENT_TIMESTAMP());

-- SELECT
SELECT plan_table, CASE WHEN `columns` IS NULL THEN 1 END FROM `project`.`__segment_reverse_etl`.`checkpoints_ID` WHERE owner = 'DIGEST' AND fence = 2;

-- SELECT
SELECT `source_id`, `model_id`, `checkpoint`, `n`, `sync_id`, `phase`, `plan_table`, `counts`, `columns`, `fingerprint`, `spec`, `destination`, `project`, `mapping`, `row_count`, `planned_at`, `owner`, `holder`, `fence`, `lease_until`, `job`, `approval`, `first`, CURRENT_TIMESTAMP() FROM `project`.`__segment_reverse_etl`.`checkpoints_ID`;

-- SELECT
SELECT count(*), count(CASE WHEN r.delivered THEN 1 END) FROM (SELECT newest.`record_id`, newest.`delivered` FROM (SELECT rows_of.`record_id`, rows_of.`delivered`, rows_of.`record_removed`, row_number() OVER (PARTITION BY rows_of.record_id ORDER BY rows_of.record_version DESC) AS record_age FROM `project`.`__segment_reverse_etl`.`records_ID` AS rows_of) AS newest WHERE newest.record_age = 1 AND NOT (newest.record_removed)) AS r;

-- SELECT
SELECT 1 AS one FROM `project`.`__segment_reverse_etl`.`rejections_ID` WHERE attempts >= 3 LIMIT 1;

-- UPDATE
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `lease_until` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 90000000 MICROSECOND), `job` = 'DOCUMENT' WHERE owner = 'DIGEST' AND fence = 2;

-- CREATE_TABLE_AS_SELECT in a session
CREATE OR REPLACE TEMP TABLE `judged_ID_2_2` AS
SELECT op, CASE op WHEN 'set_aside' THEN coalesce(problem, 'repeated') WHEN 'not_sent' THEN CASE WHEN never_delivered = 1 THEN 'mode:added' ELSE 'mode:updated' END WHEN 'deleted_not_sent' THEN 'mode:deleted' END AS reason, prior_id, mine, CASE WHEN mine IS NULL THEN r_record_id ELSE m_record_id END AS record_id, CASE WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent') THEN NULL ELSE CASE WHEN mine IS NULL THEN r_digest ELSE m_digest END END AS digest, CASE WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent') THEN NULL ELSE CASE WHEN mine IS NULL THEN r_c0 ELSE m_c0 END END AS c0, CASE WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent') THEN NULL ELSE CASE WHEN mine IS NULL THEN r_c1 ELSE m_c1 END END AS c1
FROM (
SELECT CASE WHEN m.mine IS NULL AND (r.delivered OR r.uncertain) THEN 'deleted' WHEN m.mine IS NULL THEN 'drop' WHEN m.problem IS NOT NULL OR m.n > 1 THEN 'set_aside' WHEN r.record_id IS NULL THEN 'added' WHEN r.uncertain THEN CASE WHEN r.delivered OR r.baseline = 'known' THEN 'updated' ELSE 'added' END WHEN r.baseline = 'unsent' THEN 'added' WHEN (m.digest IS DISTINCT FROM r.digest) THEN 'updated' END AS op, CASE WHEN r.uncertain AND r.record_level_id IS NOT NULL THEN CASE WHEN m.mine IS NULL THEN CASE WHEN r.record_level_id LIKE 'deleted:%' THEN substr(r.record_level_id, 9) END WHEN r.record_level_id LIKE 'deleted:%' OR (m.digest IS DISTINCT FROM r.digest) THEN NULL ELSE r.record_level_id END END AS prior_id, CASE WHEN r.uncertain AND NOT r.delivered THEN 1 END AS never_delivered, m.problem, m.mine, m.record_id AS m_record_id, r.record_id AS r_record_id, m.digest AS m_digest, m.c0 AS m_c0, m.c1 AS m_c1, CAST(NULL AS INT64) AS r_c0, CAST(NULL AS STRING) AS r_c1, r.digest AS r_digest
FROM (
SELECT keyed.*, count(*) OVER (PARTITION BY keyed.record_id) AS n
FROM (
SELECT plain.*, TO_BASE64(SHA256(CONCAT(COALESCE(CONCAT(CAST(CHAR_LENGTH(CAST(plain.`c0` AS STRING)) AS STRING), ':', CAST(plain.`c0` AS STRING)), '-'), COALESCE(CONCAT(CAST(CHAR_LENGTH(plain.`c1`) AS STRING), ':', plain.`c1`), '-')))) AS digest
FROM (
SELECT 1 AS mine, CASE WHEN model.`id` IS NULL THEN 'null' END AS problem, CAST(model.`id` AS STRING) AS record_id, model.`id` AS c0, model.`name` AS c1
FROM (
SELECT * FROM shop.people
) AS model 
) AS plain
) AS keyed
) AS m FULL JOIN (SELECT newest.`record_id`, newest.`delivered`, newest.`uncertain`, newest.`baseline`, newest.`record_level_id`, newest.`digest` FROM (SELECT rows_of.`record_id`, rows_of.`delivered`, rows_of.`uncertain`, rows_of.`baseline`, rows_of.`record_level_id`, rows_of.`digest`, rows_of.`record_removed`, row_number() OVER (PARTITION BY rows_of.record_id ORDER BY rows_of.record_version DESC) AS record_age FROM `project`.`__segment_reverse_etl`.`records_ID` AS rows_of) AS newest WHERE newest.record_age = 1 AND NOT (newest.record_removed)) AS r ON r.record_id = m.record_id

) AS judged_pairs;

-- CREATE_TABLE_AS_SELECT in a session
CREATE TABLE `project`.`__segment_reverse_etl`.`changes_ID_2_2` CLUSTER BY bucket, seq OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 14 DAY), labels = [('tailrace', '1')]) AS
SELECT op AS operation, record_id, bucket, CASE WHEN op IN ('added', 'updated', 'deleted', 'candidate') THEN CAST(bucket AS INT64) * POSITION + pos END AS seq, prior_id, reason, CAST(NULL AS INT64) AS total, digest AS digest, c0 AS `id`, c1 AS `name`
FROM (
SELECT op, reason, prior_id, record_id, bucket, digest, c0, c1, row_number() OVER (PARTITION BY changed.bucket ORDER BY changed.record_id) AS pos
FROM (SELECT judged.*, (FARM_FINGERPRINT(judged.record_id) & 255) AS bucket FROM `judged_ID_2_2` AS judged WHERE op IS NOT NULL AND op NOT IN ('not_sent', 'deleted_not_sent')) AS changed
) AS placed
UNION ALL
SELECT 'count' AS operation, CAST(NULL AS STRING) AS record_id, CAST(NULL AS INT64) AS bucket, CAST(NULL AS INT64) AS seq, CAST(NULL AS STRING) AS prior_id, CASE WHEN kinds.what = 'model' THEN 'model_rows' ELSE coalesce(reason, op, 'unchanged') END AS reason, CAST(CASE WHEN kinds.what = 'model' THEN model_rows ELSE matches END AS INT64) AS total, CAST(NULL AS STRING) AS digest, CAST(NULL AS INT64) AS `id`, CAST(NULL AS STRING) AS `name`
FROM (SELECT judged.op, judged.reason, count(*) AS matches, sum(judged.mine) AS model_rows FROM `judged_ID_2_2` AS judged GROUP BY judged.op, judged.reason) AS counts CROSS JOIN (SELECT 'rows' AS what UNION ALL SELECT 'model' AS what) AS kinds WHERE kinds.what = 'model' AND model_rows IS NOT NULL OR kinds.what = 'rows' AND (op IS NULL OR op IN ('not_sent', 'deleted_not_sent'));

-- CALL
CALL BQ.ABORT_SESSION('SESSION');

-- ALTER_TABLE
ALTER TABLE `project`.`__segment_reverse_etl`.`changes_ID_2_2` SET OPTIONS (expiration_timestamp = NULL);

-- UPDATE
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `lease_until` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 90000000 MICROSECOND), `job` = 'DOCUMENT' WHERE owner = 'DIGEST' AND fence = 2;

-- SELECT
SELECT operation, reason, count(*), sum(total), count(CASE WHEN operation NOT IN ('count', 'deleted', 'deleted_not_sent', 'drop') AND coalesce(reason, '') <> 'deleted' THEN 1 END) FROM `project`.`__segment_reverse_etl`.`changes_ID_2_2` GROUP BY operation, reason;

-- SELECT
SELECT coalesce(max(delivered_rows), 0) FROM `project`.`__segment_reverse_etl`.`sync_log` WHERE state_id = 'ID' AND finished_at > TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL -86400000000 MICROSECOND) AND finished_at >= (SELECT coalesce(max(finished_at), TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL -86400000000 MICROSECOND)) FROM `project`.`__segment_reverse_etl`.`sync_log` WHERE state_id = 'ID' AND (approved OR status = 'reset'));

-- UPDATE
UPDATE `project`.`__segment_reverse_etl`.`changes_ID_2_2` AS p SET `id` = r.`id`, `name` = r.`name` FROM (
SELECT r.* FROM (SELECT newest.`record_id`, newest.`id`, newest.`name` FROM (SELECT rows_of.`record_id`, rows_of.`id`, rows_of.`name`, rows_of.`record_removed`, row_number() OVER (PARTITION BY rows_of.record_id ORDER BY rows_of.record_version DESC) AS record_age FROM `project`.`__segment_reverse_etl`.`records_ID` AS rows_of) AS newest WHERE newest.record_age = 1 AND NOT (newest.record_removed)) AS r
) AS r WHERE p.operation = 'deleted' AND r.record_id = p.record_id;

-- SELECT
SELECT min(c.seq), max(c.seq), count(*), sum(c.size_of) FROM (
SELECT p.seq, p.bucket, floor((p.seq - p.bucket * CAST(POSITION AS INT64) - 1) / 8192) AS chunk, coalesce(CASE WHEN p.`id` IS NOT NULL THEN 8 END, 0) + coalesce(BYTE_LENGTH(p.`name`), 0) AS size_of FROM `project`.`__segment_reverse_etl`.`changes_ID_2_2` AS p WHERE p.operation IN ('added', 'updated', 'deleted')
) AS c GROUP BY c.bucket, c.chunk ORDER BY 1;

-- BEGIN_TRANSACTION in a session
BEGIN TRANSACTION;

-- UPDATE in a session
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `lease_until` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 90000000 MICROSECOND) WHERE owner = 'DIGEST' AND fence = 2;

-- SELECT in a session
SELECT phase, plan_table FROM `project`.`__segment_reverse_etl`.`checkpoints_ID`;

-- DELETE in a session
DELETE FROM `project`.`__segment_reverse_etl`.`progress_ID` WHERE 1 = 1;

-- INSERT in a session
INSERT INTO `project`.`__segment_reverse_etl`.`progress_ID` (`kind`, `unit`, `from_seq`, `to_seq`, `records`, `outcome`, `reason`, `code`, `message`, `record_level_id`, `plan_table`) VALUES ('unit', 0, POSITION, POSITION, 3, NULL, NULL, NULL, NULL, NULL, 'changes_ID_2_2'), ('ceiling', NULL, POSITION, POSITION, NULL, NULL, NULL, NULL, NULL, NULL, 'changes_ID_2_2');

-- UPDATE in a session
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `lease_until` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 90000000 MICROSECOND), `n` = 2, `sync_id` = 'SYNC', `phase` = 'planned', `plan_table` = 'changes_ID_2_2', `counts` = 'DOCUMENT', `columns` = 'DOCUMENT', `fingerprint` = 'DIGEST', `spec` = 'DOCUMENT', `destination` = 'webhook:DIGEST', `mapping` = 'people', `planned_at` = CURRENT_TIMESTAMP(), `first` = FALSE, `approval` = NULL WHERE owner = 'DIGEST' AND fence = 2;

-- COMMIT_TRANSACTION in a session
COMMIT TRANSACTION;

-- CREATE_TABLE_AS_SELECT
CREATE TABLE `project`.`__segment_reverse_etl`.`tailrace_read_RANDOM` OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 DAY), labels = [('tailrace', '1')]) AS
SELECT p.seq AS `_seq`, p.record_id AS `_key`, p.operation AS `_operation`, p.prior_id AS `_prior_id`, p.`id` AS `id`, p.`name` AS `name` FROM `project`.`__segment_reverse_etl`.`changes_ID_2_2` AS p WHERE p.seq BETWEEN FIRST AND LAST AND p.operation IN ('added', 'updated', 'deleted');

-- BEGIN_TRANSACTION in a session
BEGIN TRANSACTION;

-- UPDATE in a session
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `lease_until` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 90000000 MICROSECOND) WHERE owner = 'DIGEST' AND fence = 2;

-- INSERT in a session
INSERT INTO `project`.`__segment_reverse_etl`.`progress_ID` (`kind`, `unit`, `from_seq`, `to_seq`, `records`, `outcome`, `reason`, `code`, `message`, `record_level_id`, `plan_table`) VALUES ('resolved', 0, POSITION, POSITION, NULL, NULL, NULL, NULL, NULL, NULL, 'changes_ID_2_2');

-- COMMIT_TRANSACTION in a session
COMMIT TRANSACTION;

-- SELECT
SELECT kind, unit, from_seq, to_seq, records FROM `project`.`__segment_reverse_etl`.`progress_ID` WHERE plan_table = 'changes_ID_2_2' AND kind IN ('unit', 'resolved', 'ceiling', 'unknown', 'moved', 'stored') UNION ALL SELECT kind, max(unit) AS unit, min(from_seq) AS from_seq, max(to_seq) AS to_seq, count(*) AS records FROM `project`.`__segment_reverse_etl`.`progress_ID` WHERE plan_table = 'changes_ID_2_2' AND kind = 'exception' GROUP BY kind ORDER BY from_seq;

-- BEGIN_TRANSACTION in a session
BEGIN TRANSACTION;

-- UPDATE in a session
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `lease_until` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 90000000 MICROSECOND) WHERE owner = 'DIGEST' AND fence = 2;

-- SELECT in a session
SELECT phase, plan_table, sync_id, row_count, approval, project, mapping FROM `project`.`__segment_reverse_etl`.`checkpoints_ID`;

-- DELETE in a session
DELETE FROM `project`.`__segment_reverse_etl`.`progress_ID` WHERE kind IN ('resolved', 'unknown');

-- INSERT in a session
INSERT INTO `project`.`__segment_reverse_etl`.`progress_ID` (`kind`, `unit`, `from_seq`, `to_seq`, `records`, `outcome`, `reason`, `code`, `message`, `record_level_id`, `plan_table`) VALUES ('resolved', 0, POSITION, POSITION, NULL, NULL, NULL, NULL, NULL, NULL, 'changes_ID_2_2');

-- SELECT in a session
SELECT 1 AS one FROM `project`.`__segment_reverse_etl`.`rejections_ID` LIMIT 1;

-- SELECT in a session
SELECT DISTINCT c.operation FROM `project`.`__segment_reverse_etl`.`changes_ID_2_2` AS c WHERE c.operation IN ('baseline_unsent', 'baseline_known', 'drop', 'fill');

-- INSERT in a session
INSERT INTO `project`.`__segment_reverse_etl`.`records_ID` (`record_id`, `id`, `name`, `digest`, `delivered`, `uncertain`, `baseline`, `record_level_id`, `synced_n`, `record_version`, `record_removed`) SELECT c.record_id, c.`id`, c.`name`, c.`digest`, TRUE, FALSE, CAST(NULL AS STRING), CAST(NULL AS STRING), 2, (SELECT coalesce(max(v.record_version), 0) + 1 FROM `project`.`__segment_reverse_etl`.`records_ID` AS v), FALSE FROM (SELECT c.* FROM `project`.`__segment_reverse_etl`.`changes_ID_2_2` AS c JOIN `project`.`__segment_reverse_etl`.`progress_ID` AS p ON c.seq BETWEEN p.from_seq AND p.to_seq WHERE p.plan_table = 'changes_ID_2_2' AND p.kind = 'resolved' AND c.operation IN ('added', 'updated') AND NOT EXISTS (SELECT 1 FROM (SELECT from_seq AS seq, max(outcome) AS outcome, max(reason) AS reason, max(code) AS code, max(message) AS message, max(record_level_id) AS record_id FROM `project`.`__segment_reverse_etl`.`progress_ID` WHERE plan_table = 'changes_ID_2_2' AND kind = 'exception' GROUP BY from_seq) AS e WHERE e.seq = c.seq)) AS c JOIN (SELECT newest.`record_id` FROM (SELECT rows_of.`record_id`, rows_of.`record_removed`, row_number() OVER (PARTITION BY rows_of.record_id ORDER BY rows_of.record_version DESC) AS record_age FROM `project`.`__segment_reverse_etl`.`records_ID` AS rows_of) AS newest WHERE newest.record_age = 1 AND NOT (newest.record_removed)) AS r ON r.record_id = c.record_id;

-- INSERT in a session
INSERT INTO `project`.`__segment_reverse_etl`.`records_ID` (`record_id`, `id`, `name`, `digest`, `delivered`, `uncertain`, `baseline`, `record_level_id`, `synced_n`, `record_version`, `record_removed`) SELECT c.record_id, c.`id`, c.`name`, c.`digest`, TRUE, FALSE, CAST(NULL AS STRING), CAST(NULL AS STRING), 2, (SELECT coalesce(max(v.record_version), 0) + 1 FROM `project`.`__segment_reverse_etl`.`records_ID` AS v), FALSE FROM (SELECT c.* FROM `project`.`__segment_reverse_etl`.`changes_ID_2_2` AS c JOIN `project`.`__segment_reverse_etl`.`progress_ID` AS p ON c.seq BETWEEN p.from_seq AND p.to_seq WHERE p.plan_table = 'changes_ID_2_2' AND p.kind = 'resolved' AND c.operation IN ('added', 'updated') AND NOT EXISTS (SELECT 1 FROM (SELECT from_seq AS seq, max(outcome) AS outcome, max(reason) AS reason, max(code) AS code, max(message) AS message, max(record_level_id) AS record_id FROM `project`.`__segment_reverse_etl`.`progress_ID` WHERE plan_table = 'changes_ID_2_2' AND kind = 'exception' GROUP BY from_seq) AS e WHERE e.seq = c.seq)) AS c LEFT JOIN (SELECT newest.`record_id` FROM (SELECT rows_of.`record_id`, rows_of.`record_removed`, row_number() OVER (PARTITION BY rows_of.record_id ORDER BY rows_of.record_version DESC) AS record_age FROM `project`.`__segment_reverse_etl`.`records_ID` AS rows_of) AS newest WHERE newest.record_age = 1 AND NOT (newest.record_removed)) AS r ON r.record_id = c.record_id WHERE r.record_id IS NULL;

-- INSERT in a session
INSERT INTO `project`.`__segment_reverse_etl`.`records_ID` (`record_id`, `delivered`, `uncertain`, `synced_n`, `record_version`, `record_removed`) SELECT r.record_id, FALSE, FALSE, 2, (SELECT coalesce(max(v.record_version), 0) + 1 FROM `project`.`__segment_reverse_etl`.`records_ID` AS v), TRUE FROM (SELECT c.* FROM `project`.`__segment_reverse_etl`.`changes_ID_2_2` AS c JOIN `project`.`__segment_reverse_etl`.`progress_ID` AS p ON c.seq BETWEEN p.from_seq AND p.to_seq WHERE p.plan_table = 'changes_ID_2_2' AND p.kind = 'resolved' AND c.operation IN ('deleted') AND NOT EXISTS (SELECT 1 FROM (SELECT from_seq AS seq, max(outcome) AS outcome, max(reason) AS reason, max(code) AS code, max(message) AS message, max(record_level_id) AS record_id FROM `project`.`__segment_reverse_etl`.`progress_ID` WHERE plan_table = 'changes_ID_2_2' AND kind = 'exception' GROUP BY from_seq) AS e WHERE e.seq = c.seq)) AS c JOIN (SELECT newest.`record_id` FROM (SELECT rows_of.`record_id`, rows_of.`record_removed`, row_number() OVER (PARTITION BY rows_of.record_id ORDER BY rows_of.record_version DESC) AS record_age FROM `project`.`__segment_reverse_etl`.`records_ID` AS rows_of) AS newest WHERE newest.record_age = 1 AND NOT (newest.record_removed)) AS r ON r.record_id = c.record_id;

-- DELETE in a session
DELETE FROM `project`.`__segment_reverse_etl`.`progress_ID` WHERE 1 = 1;

-- SELECT in a session
SELECT count(*), count(CASE WHEN r.delivered THEN 1 END) FROM (SELECT newest.`record_id`, newest.`delivered` FROM (SELECT rows_of.`record_id`, rows_of.`delivered`, rows_of.`record_removed`, row_number() OVER (PARTITION BY rows_of.record_id ORDER BY rows_of.record_version DESC) AS record_age FROM `project`.`__segment_reverse_etl`.`records_ID` AS rows_of) AS newest WHERE newest.record_age = 1 AND NOT (newest.record_removed)) AS r;

-- INSERT in a session
INSERT INTO `project`.`__segment_reverse_etl`.`sync_log` (`project`, `mapping`, `state_id`, `sync_id`, `n`, `status`, `started_at`, `finished_at`, `model_rows`, `added`, `updated`, `deleted`, `unchanged`, `set_aside`, `quarantined`, `not_sent`, `planned`, `delivered`, `rejected`, `aborted`, `unknown`, `by_operation`, `delivered_rows`, `approved`) SELECT 'shop', 'people', 'ID', 'SYNC', 2, 'success', CAST('MOMENT' AS TIMESTAMP), CAST('MOMENT' AS TIMESTAMP), 3, 1, 1, 1, 1, 0, 0, 0, 3, 3, 0, 0, 0, 'DOCUMENT', 3, FALSE;

-- UPDATE in a session
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `lease_until` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 90000000 MICROSECOND), `checkpoint` = CURRENT_TIMESTAMP(), `phase` = 'idle', `plan_table` = NULL, `counts` = 'DOCUMENT', `row_count` = 3, `first` = FALSE, `approval` = NULL WHERE owner = 'DIGEST' AND fence = 2;

-- COMMIT_TRANSACTION in a session
COMMIT TRANSACTION;

-- DROP_TABLE
DROP TABLE IF EXISTS `project`.`__segment_reverse_etl`.`changes_ID_2_2`;

-- SELECT
SELECT count(*) FROM `project`.`__segment_reverse_etl`.`records_ID`;

-- BEGIN_TRANSACTION in a session
BEGIN TRANSACTION;

-- UPDATE in a session
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `lease_until` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 90000000 MICROSECOND) WHERE owner = 'DIGEST' AND fence = 2;

-- DELETE in a session
DELETE FROM `project`.`__segment_reverse_etl`.`records_ID` AS r WHERE NOT EXISTS (SELECT 1 FROM (SELECT newest.`record_id`, newest.`record_version` FROM (SELECT rows_of.`record_id`, rows_of.`record_version`, rows_of.`record_removed`, row_number() OVER (PARTITION BY rows_of.record_id ORDER BY rows_of.record_version DESC) AS record_age FROM `project`.`__segment_reverse_etl`.`records_ID` AS rows_of) AS newest WHERE newest.record_age = 1 AND NOT (newest.record_removed)) AS w WHERE w.record_id = r.record_id AND w.record_version = r.record_version);

-- COMMIT_TRANSACTION in a session
COMMIT TRANSACTION;

-- UPDATE
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `lease_until` = NULL, `owner` = NULL, `job` = NULL WHERE owner = 'DIGEST' AND fence = 2;
