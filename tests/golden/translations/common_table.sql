WITH "deep" AS (
  SELECT
    "obscore"."target_name" AS "target_name",
    SUM("obscore"."t_exptime") AS "total"
  FROM (
    SELECT
      d.target_name AS "target_name",
      d.t_exptime AS "t_exptime"
    FROM dataset_all AS d
    WHERE
      d.seq_to IS NULL AND d.calib_level >= 0
  ) AS "obscore"
  GROUP BY
    "obscore"."target_name"
)
(
  SELECT
    "deep_2"."target_name" AS "target_name",
    "deep_2"."total" AS "total"
  FROM "deep" AS "deep_2"
  WHERE
    "deep_2"."total" > 1000
)
UNION ALL
(
  SELECT
    'all' AS "column_1",
    SUM("deep_3"."total") AS "sum"
  FROM "deep" AS "deep_3"
)
ORDER BY
  2 DESC
LIMIT 101
OFFSET 5

-- target_name · string · meta.id;src
-- total · float64 · s · time.duration;obs.exposure
