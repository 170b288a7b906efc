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
    AND POWER(
      COS(RADIANS("obscore"."s_dec")) * COS(RADIANS("obscore"."s_ra")) - 0.5311203084576309e0,
      2
    ) + POWER(
      COS(RADIANS("obscore"."s_dec")) * SIN(RADIANS("obscore"."s_ra")) - 0.707385835069052e0,
      2
    ) + POWER(SIN(RADIANS("obscore"."s_dec")) - (
      -0.4663866403398912e0
    ), 2) <= 8.46159493499153e-08
  )
LIMIT 101

-- obs_id · string · meta.id
-- s_ra · float64 · deg · pos.eq.ra
-- s_dec · float64 · deg · pos.eq.dec
-- access_url · string · meta.ref.url
