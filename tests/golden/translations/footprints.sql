SELECT
  "obscore"."obs_id" AS "obs_id",
  "obscore"."s_region" AS "s_region"
FROM (
  SELECT
    d.s_region AS "s_region",
    d.s_ra AS "$ra",
    d.s_dec AS "$dec",
    CASE WHEN NOT d.s_region IS NULL THEN COALESCE(d.s_fov, 36e1) END AS "$field",
    d.healpix AS "$cell",
    d.outline AS "$outline",
    d.obs_id AS "obs_id"
  FROM dataset_all AS d
  WHERE
    d.seq_to IS NULL AND d.calib_level >= 0
) AS "obscore"
WHERE
  (
    "obscore"."$cell" BETWEEN 1397739863159078912 AND 1397788241670701055
    AND CASE
      WHEN (
        114.59155902616465e0 * ASIN(
          LEAST(
            1e0,
            SQRT(
              POWER(
                COS(RADIANS("obscore"."$dec")) * COS(RADIANS("obscore"."$ra")) - 0.9254165783983189e0,
                2
              ) + POWER(
                COS(RADIANS("obscore"."$dec")) * SIN(RADIANS("obscore"."$ra")) - 0.1631759111665167e0,
                2
              ) + POWER(SIN(RADIANS("obscore"."$dec")) - 0.3420201433256894e0, 2)
            ) * 5e-1
          ) + 0e0 * (
            "obscore"."$ra" + "obscore"."$dec"
          )
        )
      ) > "obscore"."$field" * 5e-1 + 0.07071066017049264e0 + 1e-06
      THEN FALSE
      ELSE SKY_MEET(
        "obscore"."$outline",
        CASE WHEN "obscore"."$outline" IS NULL THEN "obscore"."s_region" END,
        [
          9.946774207384555e0,
          20.049992037840493e0,
          10.053225792615445e0,
          20.04999203784049e0,
          10.05319199178944e0,
          19.9499920809619e0,
          9.946808008210558e0,
          19.9499920809619e0
        ],
        CAST(NULL AS TEXT)
      )
    END
  )
LIMIT 101

-- obs_id · string · meta.id
-- s_region · string · adql:REGION · pos.outline;obs.field
