SELECT
  "obsplan"."obs_id" AS "obs_id",
  "obsplan"."t_min" AS "t_min"
FROM (
  SELECT
    EPOCH_US(v.planned_at) / 864e8 + 40587e0 AS "t_planning",
    v.obs_id AS "obs_id",
    v.t_min AS "t_min"
  FROM plan_all AS v
  WHERE
    v.seq_to IS NULL
) AS "obsplan"
WHERE
  "obsplan"."t_planning" > 61000
LIMIT 101

-- obs_id · string · meta.id
-- t_min · float64 · d · time.start;obs.exposure
