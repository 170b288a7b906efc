SELECT
  "obscore"."instrument_name" AS "instrument_name",
  "obscore"."filters" AS "filters",
  COUNT(*) AS "n",
  AVG("obscore"."t_exptime") AS "mean"
FROM (
  SELECT
    d.calib_level AS "calib_level",
    d.data_release AS "obs_release_date",
    d.instrument_name AS "instrument_name",
    d.filters AS "filters",
    d.t_exptime AS "t_exptime"
  FROM dataset_all AS d
  WHERE
    d.seq_to IS NULL AND d.calib_level >= 0
) AS "obscore"
WHERE
  "obscore"."calib_level" = 3
  AND "obscore"."obs_release_date" > CAST('2025-01-01 00:00:00' AS TIMESTAMP)
GROUP BY
  "obscore"."instrument_name",
  "obscore"."filters"
HAVING
  COUNT(*) > 2
ORDER BY
  3 DESC,
  1 ASC
LIMIT 101

-- instrument_name · string · meta.id;instr
-- filters · string · meta.id;instr.filter
-- n · int64 · meta.number
-- mean · float64 · s · time.duration;obs.exposure
