SELECT
  "o"."obs_id" AS "obs_id"
FROM (
  SELECT
    d.obs_id AS "obs_id",
    d.target_name AS "target_name"
  FROM dataset_all AS d
  WHERE
    d.seq_to IS NULL AND d.calib_level >= 0
) AS "o"
WHERE
  EXISTS(
    SELECT
      1 AS "column_1"
    FROM (
      SELECT
        o.obs_id AS "obs_id",
        a.suffix AS "suffix"
      FROM artifact_all AS a
      JOIN observation_all AS o
        ON o.obs_number = a.obs_number AND o.seq_to IS NULL
      WHERE
        a.seq_to IS NULL
    ) AS "p"
    WHERE
      "p"."obs_id" = "o"."obs_id" AND "p"."suffix" = 'i2d'
  )
  AND NOT (
    "o"."target_name" LIKE 'M%'
  )
LIMIT 3

-- obs_id · string · meta.id
