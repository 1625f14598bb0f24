-- CREATE_SCHEMA
CREATE SCHEMA IF NOT EXISTS `project`.`__segment_reverse_etl` OPTIONS (location = 'EU');

-- CREATE_TABLE_AS_SELECT
CREATE TABLE `project`.`__segment_reverse_etl`.`tailrace_meta` OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 3650 DAY), labels = [('tailrace', '1')]) AS
SELECT CAST('tailrace' AS STRING) AS `owner`, CAST(1 AS INT64) AS `layout`, CAST(CURRENT_TIMESTAMP() AS TIMESTAMP) AS `created_at`;

-- ALTER_TABLE
ALTER TABLE `project`.`__segment_reverse_etl`.`tailrace_meta` SET OPTIONS (expiration_timestamp = NULL);

-- SELECT
SELECT owner, layout FROM `project`.`__segment_reverse_etl`.`tailrace_meta`;

-- CREATE_TABLE
CREATE TABLE `project`.`__segment_reverse_etl`.`sync_log` (`project` STRING, `mapping` STRING, `state_id` STRING, `sync_id` STRING, `n` INT64, `status` STRING, `started_at` TIMESTAMP, `finished_at` TIMESTAMP, `model_rows` INT64, `added` INT64, `updated` INT64, `deleted` INT64, `unchanged` INT64, `set_aside` INT64, `quarantined` INT64, `not_sent` INT64, `planned` INT64, `delivered` INT64, `rejected` INT64, `aborted` INT64, `unknown` INT64, `by_operation` STRING, `delivered_rows` INT64, `approved` BOOL) OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 3650 DAY), labels = [('tailrace', '1')]);

-- ALTER_TABLE
ALTER TABLE `project`.`__segment_reverse_etl`.`sync_log` SET OPTIONS (expiration_timestamp = NULL);

-- CREATE_TABLE_AS_SELECT
CREATE TABLE `project`.`__segment_reverse_etl`.`checkpoints_ID` OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 3650 DAY), labels = [('tailrace', '1')]) AS
SELECT CAST('warehouse' AS STRING) AS `source_id`, CAST('people' AS STRING) AS `model_id`, CAST(NULL AS TIMESTAMP) AS `checkpoint`, CAST(0 AS INT64) AS `n`, CAST(NULL AS STRING) AS `sync_id`, CAST('idle' AS STRING) AS `phase`, CAST(NULL AS STRING) AS `plan_table`, CAST(NULL AS STRING) AS `counts`, CAST(NULL AS STRING) AS `columns`, CAST(NULL AS STRING) AS `fingerprint`, CAST(NULL AS STRING) AS `spec`, CAST(NULL AS STRING) AS `destination`, CAST('shop' AS STRING) AS `project`, CAST('people' AS STRING) AS `mapping`, CAST(0 AS INT64) AS `row_count`, CAST(NULL AS TIMESTAMP) AS `planned_at`, CAST(NULL AS STRING) AS `owner`, CAST(NULL AS STRING) AS `holder`, CAST(0 AS INT64) AS `fence`, CAST(NULL AS TIMESTAMP) AS `lease_until`, CAST(NULL AS STRING) AS `job`, CAST(NULL AS STRING) AS `approval`, CAST(TRUE AS BOOL) AS `first`;

-- ALTER_TABLE
ALTER TABLE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET OPTIONS (expiration_timestamp = NULL);

-- CREATE_TABLE
CREATE TABLE `project`.`__segment_reverse_etl`.`progress_ID` (`plan_table` STRING, `kind` STRING, `unit` INT64, `from_seq` INT64, `to_seq` INT64, `records` INT64, `outcome` STRING, `reason` STRING, `code` STRING, `message` STRING, `record_level_id` STRING) OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 3650 DAY), labels = [('tailrace', '1')]);

-- ALTER_TABLE
ALTER TABLE `project`.`__segment_reverse_etl`.`progress_ID` SET OPTIONS (expiration_timestamp = NULL);

-- CREATE_TABLE
CREATE TABLE `project`.`__segment_reverse_etl`.`rejections_ID` (`record_id` STRING, `operation` STRING, `checksum` STRING, `attempts` INT64, `first_at` TIMESTAMP, `last_at` TIMESTAMP, `next_try_at` TIMESTAMP, `reason` STRING, `code` STRING, `message` STRING, `fingerprint` STRING) OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 3650 DAY), labels = [('tailrace', '1')]);

-- ALTER_TABLE
ALTER TABLE `project`.`__segment_reverse_etl`.`rejections_ID` SET OPTIONS (expiration_timestamp = NULL);

-- SELECT
SELECT `source_id`, `model_id`, `checkpoint`, `n`, `sync_id`, `phase`, `plan_table`, `counts`, `columns`, `fingerprint`, `spec`, `destination`, `project`, `mapping`, `row_count`, `planned_at`, `owner`, `holder`, `fence`, `lease_until`, `job`, `approval`, `first`, CURRENT_TIMESTAMP() FROM `project`.`__segment_reverse_etl`.`checkpoints_ID`;

-- SELECT in a session
SELECT 1 AS one;

-- UPDATE
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `owner` = 'DIGEST', `holder` = 'DOCUMENT', `fence` = 1, `lease_until` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 90000000 MICROSECOND), `job` = 'DOCUMENT' WHERE fence = 0 AND (owner IS NULL OR lease_until IS NULL OR lease_until <= CURRENT_TIMESTAMP());

-- SELECT
SELECT plan_table, CASE WHEN `columns` IS NULL THEN 1 END FROM `project`.`__segment_reverse_etl`.`checkpoints_ID` WHERE owner = 'DIGEST' AND fence = 1;

-- SELECT
SELECT `source_id`, `model_id`, `checkpoint`, `n`, `sync_id`, `phase`, `plan_table`, `counts`, `columns`, `fingerprint`, `spec`, `destination`, `project`, `mapping`, `row_count`, `planned_at`, `owner`, `holder`, `fence`, `lease_until`, `job`, `approval`, `first`, CURRENT_TIMESTAMP() FROM `project`.`__segment_reverse_etl`.`checkpoints_ID`;

-- CREATE_TABLE
CREATE TABLE `project`.`__segment_reverse_etl`.`records_ID` (`record_id` STRING, `id` INT64, `name` STRING, `digest` STRING, `delivered` BOOL, `uncertain` BOOL, `baseline` STRING, `record_level_id` STRING, `synced_n` INT64, `record_version` INT64, `record_removed` BOOL) CLUSTER BY record_id OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 3650 DAY), labels = [('tailrace', '1')]);

-- ALTER_TABLE
ALTER TABLE `project`.`__segment_reverse_etl`.`records_ID` SET OPTIONS (expiration_timestamp = NULL);

-- SELECT
SELECT 1 AS one FROM `project`.`__segment_reverse_etl`.`rejections_ID` WHERE attempts >= 3 LIMIT 1;

-- UPDATE
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `lease_until` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 90000000 MICROSECOND), `job` = 'DOCUMENT' WHERE owner = 'DIGEST' AND fence = 1;

-- CREATE_TABLE_AS_SELECT
CREATE TABLE `project`.`__segment_reverse_etl`.`changes_ID_1_1` CLUSTER BY bucket, seq OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 14 DAY), labels = [('tailrace', '1')]) AS
SELECT op AS operation, record_id, bucket, CASE WHEN op IN ('added', 'updated', 'deleted', 'candidate') THEN CAST(bucket AS INT64) * POSITION + pos END AS seq, prior_id, reason, CAST(NULL AS INT64) AS total, digest AS digest, c0 AS `id`, c1 AS `name`
FROM (
SELECT CAST(CASE WHEN m.problem IS NOT NULL OR m.n > 1 THEN 'set_aside' ELSE 'added' END AS STRING) AS op, CAST(CASE WHEN m.problem IS NOT NULL THEN m.problem WHEN m.n > 1 THEN 'repeated' END AS STRING) AS reason, CAST(NULL AS STRING) AS prior_id, m.record_id, m.bucket, m.pos, m.digest, m.c0, m.c1
FROM (
SELECT keyed.*, count(*) OVER (PARTITION BY keyed.record_id) AS n, row_number() OVER (PARTITION BY keyed.bucket ORDER BY keyed.record_id) AS pos
FROM (
SELECT k.*, (FARM_FINGERPRINT(k.record_id) & 255) AS bucket FROM (
SELECT plain.*, TO_BASE64(SHA256(CONCAT(COALESCE(CONCAT(CAST(CHAR_LENGTH(CAST(plain.`c0` AS STRING)) AS STRING), ':', CAST(plain.`c0` AS STRING)), '-'), COALESCE(CONCAT(CAST(CHAR_LENGTH(plain.`c1`) AS STRING), ':', plain.`c1`), '-')))) AS digest
FROM (
SELECT 1 AS mine, CASE WHEN model.`id` IS NULL THEN 'null' END AS problem, CAST(model.`id` AS STRING) AS record_id, model.`id` AS c0, model.`name` AS c1
FROM (
SELECT * FROM shop.people
) AS model 
) AS plain
) AS k
) AS keyed
) AS m
) AS placed;

-- ALTER_TABLE
ALTER TABLE `project`.`__segment_reverse_etl`.`changes_ID_1_1` SET OPTIONS (expiration_timestamp = NULL);

-- UPDATE
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `lease_until` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 90000000 MICROSECOND), `job` = 'DOCUMENT' WHERE owner = 'DIGEST' AND fence = 1;

-- SELECT
SELECT operation, reason, count(*), sum(total), count(CASE WHEN operation NOT IN ('count', 'deleted', 'deleted_not_sent', 'drop') AND coalesce(reason, '') <> 'deleted' THEN 1 END) FROM `project`.`__segment_reverse_etl`.`changes_ID_1_1` GROUP BY operation, reason;

-- SELECT
SELECT coalesce(max(delivered_rows), 0) FROM `project`.`__segment_reverse_etl`.`sync_log` WHERE state_id = 'ID' AND finished_at > TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL -86400000000 MICROSECOND) AND finished_at >= (SELECT coalesce(max(finished_at), TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL -86400000000 MICROSECOND)) FROM `project`.`__segment_reverse_etl`.`sync_log` WHERE state_id = 'ID' AND (approved OR status = 'reset'));

-- SELECT
SELECT min(c.seq), max(c.seq), count(*), sum(c.size_of) FROM (
SELECT p.seq, p.bucket, floor((p.seq - p.bucket * CAST(POSITION AS INT64) - 1) / 8192) AS chunk, coalesce(CASE WHEN p.`id` IS NOT NULL THEN 8 END, 0) + coalesce(BYTE_LENGTH(p.`name`), 0) AS size_of FROM `project`.`__segment_reverse_etl`.`changes_ID_1_1` AS p WHERE p.operation IN ('added', 'updated', 'deleted')
) AS c GROUP BY c.bucket, c.chunk ORDER BY 1;

-- BEGIN_TRANSACTION in a session
BEGIN TRANSACTION;

-- UPDATE in a session
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `lease_until` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 90000000 MICROSECOND) WHERE owner = 'DIGEST' AND fence = 1;

-- SELECT in a session
SELECT phase, plan_table FROM `project`.`__segment_reverse_etl`.`checkpoints_ID`;

-- DELETE in a session
DELETE FROM `project`.`__segment_reverse_etl`.`progress_ID` WHERE 1 = 1;

-- INSERT in a session
INSERT INTO `project`.`__segment_reverse_etl`.`progress_ID` (`kind`, `unit`, `from_seq`, `to_seq`, `records`, `outcome`, `reason`, `code`, `message`, `record_level_id`, `plan_table`) VALUES ('unit', 0, POSITION, POSITION, 3, NULL, NULL, NULL, NULL, NULL, 'changes_ID_1_1'), ('ceiling', NULL, POSITION, POSITION, NULL, NULL, NULL, NULL, NULL, NULL, 'changes_ID_1_1');

-- UPDATE in a session
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `lease_until` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 90000000 MICROSECOND), `n` = 1, `sync_id` = 'SYNC', `phase` = 'planned', `plan_table` = 'changes_ID_1_1', `counts` = 'DOCUMENT', `columns` = 'DOCUMENT', `fingerprint` = 'DIGEST', `spec` = 'DOCUMENT', `destination` = 'webhook:DIGEST', `mapping` = 'people', `planned_at` = CURRENT_TIMESTAMP(), `first` = TRUE, `approval` = NULL WHERE owner = 'DIGEST' AND fence = 1;

-- COMMIT_TRANSACTION in a session
COMMIT TRANSACTION;

-- CREATE_TABLE_AS_SELECT
CREATE TABLE `project`.`__segment_reverse_etl`.`tailrace_read_RANDOM` OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 DAY), labels = [('tailrace', '1')]) AS
SELECT p.seq AS `_seq`, p.record_id AS `_key`, p.operation AS `_operation`, p.prior_id AS `_prior_id`, p.`id` AS `id`, p.`name` AS `name` FROM `project`.`__segment_reverse_etl`.`changes_ID_1_1` AS p WHERE p.seq BETWEEN FIRST AND LAST AND p.operation IN ('added', 'updated', 'deleted');

-- BEGIN_TRANSACTION in a session
BEGIN TRANSACTION;

-- UPDATE in a session
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `lease_until` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 90000000 MICROSECOND) WHERE owner = 'DIGEST' AND fence = 1;

-- INSERT in a session
INSERT INTO `project`.`__segment_reverse_etl`.`progress_ID` (`kind`, `unit`, `from_seq`, `to_seq`, `records`, `outcome`, `reason`, `code`, `message`, `record_level_id`, `plan_table`) VALUES ('resolved', 0, POSITION, POSITION, NULL, NULL, NULL, NULL, NULL, NULL, 'changes_ID_1_1');

-- COMMIT_TRANSACTION in a session
COMMIT TRANSACTION;

-- SELECT
SELECT kind, unit, from_seq, to_seq, records FROM `project`.`__segment_reverse_etl`.`progress_ID` WHERE plan_table = 'changes_ID_1_1' AND kind IN ('unit', 'resolved', 'ceiling', 'unknown', 'moved', 'stored') UNION ALL SELECT kind, max(unit) AS unit, min(from_seq) AS from_seq, max(to_seq) AS to_seq, count(*) AS records FROM `project`.`__segment_reverse_etl`.`progress_ID` WHERE plan_table = 'changes_ID_1_1' AND kind = 'exception' GROUP BY kind ORDER BY from_seq;

-- BEGIN_TRANSACTION in a session
BEGIN TRANSACTION;

-- UPDATE in a session
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `lease_until` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 90000000 MICROSECOND) WHERE owner = 'DIGEST' AND fence = 1;

-- SELECT in a session
SELECT phase, plan_table, sync_id, row_count, approval, project, mapping FROM `project`.`__segment_reverse_etl`.`checkpoints_ID`;

-- DELETE in a session
DELETE FROM `project`.`__segment_reverse_etl`.`progress_ID` WHERE kind IN ('resolved', 'unknown');

-- INSERT in a session
INSERT INTO `project`.`__segment_reverse_etl`.`progress_ID` (`kind`, `unit`, `from_seq`, `to_seq`, `records`, `outcome`, `reason`, `code`, `message`, `record_level_id`, `plan_table`) VALUES ('resolved', 0, POSITION, POSITION, NULL, NULL, NULL, NULL, NULL, NULL, 'changes_ID_1_1');

-- SELECT in a session
SELECT 1 AS one FROM `project`.`__segment_reverse_etl`.`rejections_ID` LIMIT 1;

-- SELECT in a session
SELECT DISTINCT c.operation FROM `project`.`__segment_reverse_etl`.`changes_ID_1_1` AS c WHERE c.operation IN ('baseline_unsent', 'baseline_known', 'drop', 'fill');

-- INSERT in a session
INSERT INTO `project`.`__segment_reverse_etl`.`records_ID` (`record_id`, `id`, `name`, `digest`, `delivered`, `uncertain`, `baseline`, `record_level_id`, `synced_n`, `record_version`, `record_removed`) SELECT c.record_id, c.`id`, c.`name`, c.`digest`, TRUE, FALSE, CAST(NULL AS STRING), CAST(NULL AS STRING), 1, (SELECT coalesce(max(v.record_version), 0) + 1 FROM `project`.`__segment_reverse_etl`.`records_ID` AS v), FALSE FROM (SELECT c.* FROM `project`.`__segment_reverse_etl`.`changes_ID_1_1` AS c JOIN `project`.`__segment_reverse_etl`.`progress_ID` AS p ON c.seq BETWEEN p.from_seq AND p.to_seq WHERE p.plan_table = 'changes_ID_1_1' AND p.kind = 'resolved' AND c.operation IN ('added', 'updated') AND NOT EXISTS (SELECT 1 FROM (SELECT from_seq AS seq, max(outcome) AS outcome, max(reason) AS reason, max(code) AS code, max(message) AS message, max(record_level_id) AS record_id FROM `project`.`__segment_reverse_etl`.`progress_ID` WHERE plan_table = 'changes_ID_1_1' AND kind = 'exception' GROUP BY from_seq) AS e WHERE e.seq = c.seq)) AS c JOIN (SELECT newest.`record_id` FROM (SELECT rows_of.`record_id`, rows_of.`record_removed`, row_number() OVER (PARTITION BY rows_of.record_id ORDER BY rows_of.record_version DESC) AS record_age FROM `project`.`__segment_reverse_etl`.`records_ID` AS rows_of) AS newest WHERE newest.record_age = 1 AND NOT (newest.record_removed)) AS r ON r.record_id = c.record_id;

-- INSERT in a session
INSERT INTO `project`.`__segment_reverse_etl`.`records_ID` (`record_id`, `id`, `name`, `digest`, `delivered`, `uncertain`, `baseline`, `record_level_id`, `synced_n`, `record_version`, `record_removed`) SELECT c.record_id, c.`id`, c.`name`, c.`digest`, TRUE, FALSE, CAST(NULL AS STRING), CAST(NULL AS STRING), 1, (SELECT coalesce(max(v.record_version), 0) + 1 FROM `project`.`__segment_reverse_etl`.`records_ID` AS v), FALSE FROM (SELECT c.* FROM `project`.`__segment_reverse_etl`.`changes_ID_1_1` AS c JOIN `project`.`__segment_reverse_etl`.`progress_ID` AS p ON c.seq BETWEEN p.from_seq AND p.to_seq WHERE p.plan_table = 'changes_ID_1_1' AND p.kind = 'resolved' AND c.operation IN ('added', 'updated') AND NOT EXISTS (SELECT 1 FROM (SELECT from_seq AS seq, max(outcome) AS outcome, max(reason) AS reason, max(code) AS code, max(message) AS message, max(record_level_id) AS record_id FROM `project`.`__segment_reverse_etl`.`progress_ID` WHERE plan_table = 'changes_ID_1_1' AND kind = 'exception' GROUP BY from_seq) AS e WHERE e.seq = c.seq)) AS c LEFT JOIN (SELECT newest.`record_id` FROM (SELECT rows_of.`record_id`, rows_of.`record_removed`, row_number() OVER (PARTITION BY rows_of.record_id ORDER BY rows_of.record_version DESC) AS record_age FROM `project`.`__segment_reverse_etl`.`records_ID` AS rows_of) AS newest WHERE newest.record_age = 1 AND NOT (newest.record_removed)) AS r ON r.record_id = c.record_id WHERE r.record_id IS NULL;

-- DELETE in a session
DELETE FROM `project`.`__segment_reverse_etl`.`progress_ID` WHERE 1 = 1;

-- SELECT in a session
SELECT count(*), count(CASE WHEN r.delivered THEN 1 END) FROM (SELECT newest.`record_id`, newest.`delivered` FROM (SELECT rows_of.`record_id`, rows_of.`delivered`, rows_of.`record_removed`, row_number() OVER (PARTITION BY rows_of.record_id ORDER BY rows_of.record_version DESC) AS record_age FROM `project`.`__segment_reverse_etl`.`records_ID` AS rows_of) AS newest WHERE newest.record_age = 1 AND NOT (newest.record_removed)) AS r;

-- INSERT in a session
INSERT INTO `project`.`__segment_reverse_etl`.`sync_log` (`project`, `mapping`, `state_id`, `sync_id`, `n`, `status`, `started_at`, `finished_at`, `model_rows`, `added`, `updated`, `deleted`, `unchanged`, `set_aside`, `quarantined`, `not_sent`, `planned`, `delivered`, `rejected`, `aborted`, `unknown`, `by_operation`, `delivered_rows`, `approved`) SELECT 'shop', 'people', 'ID', 'SYNC', 1, 'success', CAST('MOMENT' AS TIMESTAMP), CAST('MOMENT' AS TIMESTAMP), 3, 3, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 'DOCUMENT', 3, FALSE;

-- UPDATE in a session
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `lease_until` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 90000000 MICROSECOND), `checkpoint` = CURRENT_TIMESTAMP(), `phase` = 'idle', `plan_table` = NULL, `counts` = 'DOCUMENT', `row_count` = 3, `first` = FALSE, `approval` = NULL WHERE owner = 'DIGEST' AND fence = 1;

-- COMMIT_TRANSACTION in a session
COMMIT TRANSACTION;

-- DROP_TABLE
DROP TABLE IF EXISTS `project`.`__segment_reverse_etl`.`changes_ID_1_1`;

-- SELECT
SELECT count(*) FROM `project`.`__segment_reverse_etl`.`records_ID`;

-- UPDATE
UPDATE `project`.`__segment_reverse_etl`.`checkpoints_ID` SET `lease_until` = NULL, `owner` = NULL, `job` = NULL WHERE owner = 'DIGEST' AND fence = 1;
