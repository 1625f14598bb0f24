CREATE TABLE [__segment_reverse_etl].[changes_map_12345678_1_1] WITH (DISTRIBUTION = ROUND_ROBIN, HEAP) AS
WITH big AS (SELECT * FROM shop.orders WHERE total > 5)
SELECT made.*, CAST(NULL AS BIT) AS [tailrace:1]
FROM (
SELECT op AS operation, record_id, bucket, CASE WHEN op IN ('added', 'updated', 'deleted', 'candidate') THEN CAST(bucket AS bigint) * 1099511627776 + pos END AS seq, prior_id, reason, CAST(NULL AS bigint) AS total, c0 AS [id], c1 AS [Name], c2 AS [total_2], c3 AS [photo], c4 AS [moment]
FROM (
SELECT CAST(CASE WHEN m.problem IS NOT NULL OR m.n > 1 THEN 'set_aside' ELSE 'added' END AS nvarchar(max)) COLLATE Latin1_General_100_BIN2 AS op, CAST(CASE WHEN m.problem IS NOT NULL THEN m.problem WHEN m.n > 1 THEN 'repeated' END AS nvarchar(max)) COLLATE Latin1_General_100_BIN2 AS reason, CAST(NULL AS nvarchar(max)) COLLATE Latin1_General_100_BIN2 AS prior_id, m.record_id, m.bucket, m.pos, m.c0, m.c1, m.c2, m.c3, m.c4
FROM (
SELECT keyed.*, count(*) OVER (PARTITION BY HASHBYTES('SHA2_256', keyed.record_id)) AS n, row_number() OVER (PARTITION BY keyed.bucket ORDER BY HASHBYTES('SHA2_256', keyed.record_id)) AS pos
FROM (
SELECT k.*, CAST(SUBSTRING(HASHBYTES('SHA2_256', k.record_id), 1, 1) AS INT) AS bucket FROM (
SELECT 1 AS mine, CASE WHEN model.[id] IS NULL OR model.[Name] IS NULL THEN 'null' WHEN DATALENGTH(CAST(model.[Name] AS NVARCHAR(MAX))) > 3872 THEN 'long' WHEN DATALENGTH(CAST(model.[Name] AS NVARCHAR(MAX))) = 0 THEN 'empty' WHEN DATALENGTH(TRIM(N'	
                  　' FROM CAST(model.[Name] AS NVARCHAR(MAX)))) = 0 THEN 'blank' END AS problem, CAST(CASE WHEN CAST(model.[id] AS NVARCHAR(20)) COLLATE Latin1_General_100_BIN2 IS NULL OR CAST(model.[Name] AS NVARCHAR(MAX)) COLLATE Latin1_General_100_BIN2 IS NULL THEN NULL ELSE CONCAT(CAST(N'' AS NVARCHAR(MAX)), N'["', REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(CAST(model.[id] AS NVARCHAR(20)) COLLATE Latin1_General_100_BIN2, N'\', N'\\'), N'"', N'\"'), NCHAR(8), N'\b'), NCHAR(9), N'\t'), NCHAR(10), N'\n'), NCHAR(12), N'\f'), NCHAR(13), N'\r'), N'","', REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(CAST(model.[Name] AS NVARCHAR(MAX)) COLLATE Latin1_General_100_BIN2, N'\', N'\\'), N'"', N'\"'), NCHAR(8), N'\b'), NCHAR(9), N'\t'), NCHAR(10), N'\n'), NCHAR(12), N'\f'), NCHAR(13), N'\r'), N'"]') END AS nvarchar(4000)) COLLATE Latin1_General_100_BIN2 AS record_id, CAST(model.[id] AS int) AS c0, CAST(model.[Name] AS nvarchar(20)) COLLATE Latin1_General_100_BIN2 AS c1, CAST(model.[total] AS decimal(10,2)) AS c2, CAST(model.[photo] AS varbinary(max)) AS c3, SWITCHOFFSET(CAST(model.[moment] AS datetimeoffset(6)), '+00:00') AS c4
FROM (
SELECT * FROM big
) AS model
) AS k
) AS keyed
) AS m
) AS placed
) AS made;

SELECT p.seq AS [_seq], p.record_id AS [_key], p.operation AS [_operation], p.prior_id AS [_prior_id], p.[id] AS [id], p.[Name] AS [Name], CAST(p.[total_2] AS NVARCHAR(41)) AS [total], p.[photo] AS [photo], p.[moment] AS [moment] FROM [__segment_reverse_etl].[changes_map_12345678_1_1] AS p WHERE p.seq BETWEEN 0 AND 9 AND p.operation IN ('added', 'updated', 'deleted')
