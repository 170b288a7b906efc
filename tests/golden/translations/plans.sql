SELECT
  "obsplan"."obs_id" AS "obs_id",
  "obsplan"."t_min" AS "t_min"
FROM (
  SELECT
    CAST(NULL AS DOUBLE) AS "t_planning",
    CAST(NULL AS TEXT) AS "obs_id",
    CAST(NULL AS DOUBLE) AS "t_min"
  WHERE
    FALSE
) AS "obsplan"
WHERE
  "obsplan"."t_planning" > 61000
LIMIT 101

-- obs_id · string · meta.id
-- t_min · float64 · d · time.start;obs.exposure
