SELECT
  "obscore"."obs_id" AS "obs_id",
  "obscore"."s_ra" AS "s_ra",
  "obscore"."s_dec" AS "s_dec",
  "obscore"."access_url" AS "access_url"
FROM (
  SELECT
    d.s_ra AS "s_ra",
    d.s_dec AS "s_dec",
    d.healpix AS "$cell",
    d.obs_id AS "obs_id",
    $base_url || '/products/' || d.main_product AS "access_url"
  FROM dataset_all AS d
  WHERE
    d.seq_to IS NULL AND d.calib_level >= 0
) AS "obscore"
WHERE
  (
    "obscore"."$cell" BETWEEN 2528750128248913920 AND 2528751055961849855
    AND (
      "obscore"."$cell" BETWEEN 2528750128248913920 AND 2528750162608652287
      OR "obscore"."$cell" BETWEEN 2528750231328129024 AND 2528750300047605759
      OR "obscore"."$cell" BETWEEN 2528750884163158016 AND 2528750918522896383
      OR "obscore"."$cell" BETWEEN 2528750987242373120 AND 2528751055961849855
    )
    AND (
      114.59155902616465e0 * ASIN(
        LEAST(
          1e0,
          SQRT(
            POWER(
              COS(RADIANS("obscore"."s_dec")) * COS(RADIANS("obscore"."s_ra")) - 0.5311203084576309e0,
              2
            ) + POWER(
              COS(RADIANS("obscore"."s_dec")) * SIN(RADIANS("obscore"."s_ra")) - 0.707385835069052e0,
              2
            ) + POWER(SIN(RADIANS("obscore"."s_dec")) - (
              -0.4663866403398912e0
            ), 2)
          ) * 5e-1
        ) + 0e0 * (
          "obscore"."s_ra" + "obscore"."s_dec"
        )
      )
    ) <= 0.016666666666666666e0
  )
LIMIT 101

-- obs_id · string · meta.id
-- s_ra · float64 · deg · pos.eq.ra
-- s_dec · float64 · deg · pos.eq.dec
-- access_url · string · meta.ref.url
