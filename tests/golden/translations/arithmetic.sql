SELECT
  (
    CAST("obscore"."calib_level" AS BIGINT) // CAST(2 AS BIGINT)
  ) AS "column_1",
  (
    "obscore"."t_exptime" / 3600.0e0
  ) AS "column_2",
  (
    CAST("obscore"."calib_level" AS BIGINT) % NULLIF(CAST(2 AS BIGINT), 0)
  ) AS "mod",
  ROUND((
    "obscore"."em_min" * 1000000.0e0
  ), 2) AS "round",
  (
    "obscore"."em_max" * 1000000.0e0
  ) AS "longest"
FROM (
  SELECT
    d.calib_level AS "calib_level",
    d.t_exptime AS "t_exptime",
    d.em_min AS "em_min",
    d.em_max AS "em_max"
  FROM dataset_all AS d
  WHERE
    d.seq_to IS NULL AND d.calib_level >= 0
) AS "obscore"
LIMIT 101

-- column_1 · int64
-- column_2 · float64
-- mod · int64
-- round · float64
-- longest · float64 · um · em.wl;stat.max
