SELECT
  "c"."obs_id" AS "obs_id"
FROM (
  SELECT
    d.obs_number AS "obsID",
    'ivo://' || $authority || '/jwst?' || d.obs_id || '/' || d.product_id AS "publisherID",
    d.s_region AS "position_bounds",
    d.s_ra AS "$ra",
    d.s_dec AS "$dec",
    CASE WHEN NOT d.s_region IS NULL THEN COALESCE(d.s_fov, 36e1) END AS "$field",
    d.healpix AS "$cell",
    d.outline AS "$outline"
  FROM dataset_all AS d
  WHERE
    d.seq_to IS NULL
) AS "p"
JOIN (
  SELECT
    o.obs_number AS "obsID"
  FROM observation_all AS o
  WHERE
    o.seq_to IS NULL
) AS "o"
  ON "p"."obsID" = "o"."obsID"
JOIN (
  SELECT
    'ivo://' || $authority || '/jwst?' || d.obs_id || '/' || d.product_id AS "obs_publisher_did",
    d.obs_id AS "obs_id"
  FROM dataset_all AS d
  WHERE
    d.seq_to IS NULL AND d.calib_level >= 0
) AS "c"
  ON "c"."obs_publisher_did" = "p"."publisherID"
WHERE
  (
    "p"."$cell" BETWEEN 1397742611938148352 AND 1397763502659076095
    AND CASE
      WHEN (
        114.59155902616465e0 * ASIN(
          LEAST(
            1e0,
            SQRT(
              POWER(0.9254165783983234e0 - COS(RADIANS("p"."$dec")) * COS(RADIANS("p"."$ra")), 2) + POWER(0.16317591116653482e0 - COS(RADIANS("p"."$dec")) * SIN(RADIANS("p"."$ra")), 2) + POWER(0.3420201433256687e0 - SIN(RADIANS("p"."$dec")), 2)
            ) * 5e-1
          ) + 0e0 * (
            "p"."$ra" + "p"."$dec"
          )
        )
      ) > 0e0 + "p"."$field" * 5e-1 + 1e-06
      THEN FALSE
      ELSE SKY_MEET(
        [10.0e0, 20.0e0],
        CAST(NULL AS TEXT),
        "p"."$outline",
        CASE WHEN "p"."$outline" IS NULL THEN "p"."position_bounds" END
      )
    END
  )
LIMIT 101

-- obs_id · string · meta.id
