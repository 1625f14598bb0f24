IF OBJECT_ID(N'tempdb..#judged_map_12345678') IS NOT NULL DROP TABLE #judged_map_12345678;

CREATE TABLE #judged_map_12345678 WITH (DISTRIBUTION = HASH([record_id]), HEAP) AS
WITH big AS (SELECT * FROM shop.orders WHERE total > 5)
SELECT CAST(staged.[op] AS nvarchar(max)) COLLATE Latin1_General_100_BIN2 AS [op], CAST(staged.[reason] AS nvarchar(max)) COLLATE Latin1_General_100_BIN2 AS [reason], CAST(staged.[prior_id] AS nvarchar(max)) COLLATE Latin1_General_100_BIN2 AS [prior_id], CAST(staged.[mine] AS int) AS [mine], CAST(staged.[record_id] AS nvarchar(4000)) COLLATE Latin1_General_100_BIN2 AS [record_id], CAST(staged.[c0] AS int) AS [c0], CAST(staged.[c1] AS nvarchar(20)) COLLATE Latin1_General_100_BIN2 AS [c1], CAST(staged.[c2] AS decimal(10,2)) AS [c2], CAST(staged.[c3] AS varbinary(max)) AS [c3], CAST(staged.[c4] AS datetimeoffset(6)) AS [c4]
FROM (
SELECT op, CASE op WHEN 'set_aside' THEN coalesce(problem, 'repeated') WHEN 'not_sent' THEN CASE WHEN never_delivered = 1 THEN 'mode:added' ELSE 'mode:updated' END WHEN 'deleted_not_sent' THEN 'mode:deleted' END AS reason, prior_id, mine, CASE WHEN mine IS NULL THEN r_record_id ELSE m_record_id END AS record_id, CASE WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent') THEN NULL ELSE CASE WHEN mine IS NULL THEN r_c0 ELSE m_c0 END END AS c0, CASE WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent') THEN NULL ELSE CASE WHEN mine IS NULL THEN r_c1 ELSE m_c1 END END AS c1, CASE WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent') THEN NULL ELSE CASE WHEN mine IS NULL THEN r_c2 ELSE m_c2 END END AS c2, CASE WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent') THEN NULL ELSE CASE WHEN mine IS NULL THEN r_c3 ELSE m_c3 END END AS c3, CASE WHEN op IS NULL OR op IN ('not_sent', 'deleted_not_sent') THEN NULL ELSE CASE WHEN mine IS NULL THEN r_c4 ELSE m_c4 END END AS c4
FROM (
SELECT CASE WHEN m.mine IS NULL AND ((r.delivered = 1) OR (r.uncertain = 1)) THEN 'deleted' WHEN m.mine IS NULL THEN 'drop' WHEN m.problem IS NOT NULL OR m.n > 1 THEN 'set_aside' WHEN r.record_id IS NULL THEN 'added' WHEN (r.uncertain = 1) THEN CASE WHEN (r.delivered = 1) OR r.baseline = 'known' THEN 'updated' ELSE 'added' END WHEN r.baseline = 'unsent' THEN 'added' WHEN (CASE WHEN m.c0 = r.[id] OR (m.c0 IS NULL AND r.[id] IS NULL) THEN 0 ELSE 1 END = 1 OR CASE WHEN (m.c1 COLLATE Latin1_General_100_BIN2 = r.[Name] COLLATE Latin1_General_100_BIN2 AND DATALENGTH(m.c1) = DATALENGTH(r.[Name])) OR (m.c1 IS NULL AND r.[Name] IS NULL) THEN 0 ELSE 1 END = 1 OR CASE WHEN m.c2 = r.[total_2] OR (m.c2 IS NULL AND r.[total_2] IS NULL) THEN 0 ELSE 1 END = 1 OR CASE WHEN (m.c3 = r.[photo] AND DATALENGTH(m.c3) = DATALENGTH(r.[photo])) OR (m.c3 IS NULL AND r.[photo] IS NULL) THEN 0 ELSE 1 END = 1 OR CASE WHEN m.c4 = r.[moment] OR (m.c4 IS NULL AND r.[moment] IS NULL) THEN 0 ELSE 1 END = 1) THEN 'updated' END AS op, CASE WHEN (r.uncertain = 1) AND r.record_level_id IS NOT NULL THEN CASE WHEN m.mine IS NULL THEN CASE WHEN r.record_level_id LIKE N'deleted:%' THEN SUBSTRING(r.record_level_id, 9, 2147483647) END WHEN r.record_level_id LIKE N'deleted:%' OR (CASE WHEN m.c0 = r.[id] OR (m.c0 IS NULL AND r.[id] IS NULL) THEN 0 ELSE 1 END = 1 OR CASE WHEN (m.c1 COLLATE Latin1_General_100_BIN2 = r.[Name] COLLATE Latin1_General_100_BIN2 AND DATALENGTH(m.c1) = DATALENGTH(r.[Name])) OR (m.c1 IS NULL AND r.[Name] IS NULL) THEN 0 ELSE 1 END = 1 OR CASE WHEN m.c2 = r.[total_2] OR (m.c2 IS NULL AND r.[total_2] IS NULL) THEN 0 ELSE 1 END = 1 OR CASE WHEN (m.c3 = r.[photo] AND DATALENGTH(m.c3) = DATALENGTH(r.[photo])) OR (m.c3 IS NULL AND r.[photo] IS NULL) THEN 0 ELSE 1 END = 1 OR CASE WHEN m.c4 = r.[moment] OR (m.c4 IS NULL AND r.[moment] IS NULL) THEN 0 ELSE 1 END = 1) THEN NULL ELSE r.record_level_id END END AS prior_id, CASE WHEN (r.uncertain = 1) AND NOT (r.delivered = 1) THEN 1 END AS never_delivered, m.problem, m.mine, m.record_id AS m_record_id, r.record_id AS r_record_id, m.c0 AS m_c0, m.c1 AS m_c1, m.c2 AS m_c2, m.c3 AS m_c3, m.c4 AS m_c4, r.[id] AS r_c0, r.[Name] AS r_c1, r.[total_2] AS r_c2, r.[photo] AS r_c3, r.[moment] AS r_c4
FROM (
SELECT keyed.*, count(*) OVER (PARTITION BY HASHBYTES('SHA2_256', keyed.record_id)) AS n
FROM (
SELECT 1 AS mine, CASE WHEN model.[Name] IS NULL THEN 'null' WHEN DATALENGTH(CAST(model.[Name] AS NVARCHAR(MAX))) > 8000 THEN 'long' WHEN DATALENGTH(CAST(model.[Name] AS NVARCHAR(MAX))) = 0 THEN 'empty' WHEN DATALENGTH(TRIM(N'	
                  　' FROM CAST(model.[Name] AS NVARCHAR(MAX)))) = 0 THEN 'blank' END AS problem, CAST(CAST(model.[Name] AS NVARCHAR(MAX)) AS nvarchar(4000)) COLLATE Latin1_General_100_BIN2 AS record_id, CAST(model.[id] AS int) AS c0, CAST(model.[Name] AS nvarchar(20)) COLLATE Latin1_General_100_BIN2 AS c1, CAST(model.[total] AS decimal(10,2)) AS c2, CAST(model.[photo] AS varbinary(max)) AS c3, SWITCHOFFSET(CAST(model.[moment] AS datetimeoffset(6)), '+00:00') AS c4
FROM (
SELECT * FROM big
) AS model
) AS keyed
) AS m FULL JOIN [__segment_reverse_etl].[records_map_12345678] AS r ON (r.record_id = m.record_id AND DATALENGTH(r.record_id) = DATALENGTH(m.record_id))

) AS judged_pairs
) AS staged;

CREATE TABLE [__segment_reverse_etl].[changes_map_12345678_1_1] WITH (DISTRIBUTION = ROUND_ROBIN, HEAP) AS
SELECT made.*, CAST(NULL AS BIT) AS [tailrace:1]
FROM (
SELECT op AS operation, record_id, bucket, CASE WHEN op IN ('added', 'updated', 'deleted', 'candidate') THEN CAST(bucket AS bigint) * 1099511627776 + pos END AS seq, prior_id, reason, CAST(NULL AS bigint) AS total, c0 AS [id], c1 AS [Name], c2 AS [total_2], c3 AS [photo], c4 AS [moment]
FROM (
SELECT op, reason, prior_id, record_id, bucket, c0, c1, c2, c3, c4, row_number() OVER (PARTITION BY changed.bucket ORDER BY HASHBYTES('SHA2_256', changed.record_id)) AS pos
FROM (SELECT judged.*, CAST(SUBSTRING(HASHBYTES('SHA2_256', judged.record_id), 1, 1) AS INT) AS bucket FROM #judged_map_12345678 AS judged WHERE op IS NOT NULL AND op NOT IN ('not_sent', 'deleted_not_sent')) AS changed
) AS placed
UNION ALL
SELECT 'count' AS operation, CAST(NULL AS nvarchar(max)) COLLATE Latin1_General_100_BIN2 AS record_id, CAST(NULL AS int) AS bucket, CAST(NULL AS bigint) AS seq, CAST(NULL AS nvarchar(max)) COLLATE Latin1_General_100_BIN2 AS prior_id, CASE WHEN kinds.what = 'model' THEN 'model_rows' ELSE coalesce(reason, op, 'unchanged') END AS reason, CAST(CASE WHEN kinds.what = 'model' THEN model_rows ELSE matches END AS bigint) AS total, CAST(NULL AS int) AS [id], CAST(NULL AS nvarchar(20)) COLLATE Latin1_General_100_BIN2 AS [Name], CAST(NULL AS decimal(10,2)) AS [total_2], CAST(NULL AS varbinary(max)) AS [photo], CAST(NULL AS datetimeoffset(6)) AS [moment]
FROM (SELECT judged.op, judged.reason, count(*) AS matches, sum(judged.mine) AS model_rows FROM #judged_map_12345678 AS judged GROUP BY judged.op, judged.reason) AS counts CROSS JOIN (SELECT 'rows' AS what UNION ALL SELECT 'model' AS what) AS kinds WHERE kinds.what = 'model' AND model_rows IS NOT NULL OR kinds.what = 'rows' AND (op IS NULL OR op IN ('not_sent', 'deleted_not_sent'))
) AS made;

IF OBJECT_ID(N'tempdb..#judged_map_12345678') IS NOT NULL DROP TABLE #judged_map_12345678;

SELECT p.seq AS [_seq], p.record_id AS [_key], p.operation AS [_operation], p.prior_id AS [_prior_id], p.[id] AS [id], p.[Name] AS [Name], CAST(p.[total_2] AS NVARCHAR(41)) AS [total], p.[photo] AS [photo], p.[moment] AS [moment] FROM [__segment_reverse_etl].[changes_map_12345678_1_1] AS p WHERE p.seq BETWEEN 0 AND 9 AND p.operation IN ('added', 'updated', 'deleted')
