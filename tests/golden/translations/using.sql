SELECT
  COALESCE("a"."obs_id", "b"."obs_id") AS "obs_id",
  "a"."s_ra" AS "s_ra",
  "b"."filename" AS "filename"
FROM (
  SELECT
    "obscore"."obs_id" AS "obs_id",
    "obscore"."s_ra" AS "s_ra"
  FROM (
    SELECT
      d.obs_id AS "obs_id",
      d.s_ra AS "s_ra"
    FROM dataset_all AS d
    WHERE
      d.seq_to IS NULL AND d.calib_level >= 0
  ) AS "obscore"
) AS "a"
FULL JOIN (
  SELECT
    "products"."obs_id" AS "obs_id",
    "products"."filename" AS "filename"
  FROM (
    SELECT
      o.obs_id AS "obs_id",
      a.filename AS "filename"
    FROM artifact_all AS a
    JOIN observation_all AS o
      ON o.obs_number = a.obs_number AND o.seq_to IS NULL
    WHERE
      a.seq_to IS NULL
  ) AS "products"
) AS "b"
  ON "a"."obs_id" = "b"."obs_id"
LIMIT 101

-- obs_id · string · meta.id
-- s_ra · float64 · deg · pos.eq.ra
-- filename · string · meta.id;meta.file
