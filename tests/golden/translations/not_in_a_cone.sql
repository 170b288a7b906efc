SELECT
  "obscore"."obs_id" AS "obs_id"
FROM (
  SELECT
    d.s_ra AS "s_ra",
    d.s_dec AS "s_dec",
    d.healpix AS "$cell",
    d.obs_id AS "obs_id"
  FROM dataset_all AS d
  WHERE
    d.seq_to IS NULL AND d.calib_level >= 0
) AS "obscore"
WHERE
  NOT (
    POWER(
      COS(RADIANS("obscore"."s_dec")) * COS(RADIANS("obscore"."s_ra")) - 0.5311203084576309e0,
      2
    ) + POWER(
      COS(RADIANS("obscore"."s_dec")) * SIN(RADIANS("obscore"."s_ra")) - 0.707385835069052e0,
      2
    ) + POWER(SIN(RADIANS("obscore"."s_dec")) - (
      -0.4663866403398912e0
    ), 2) <= 0.001218345961809239e0
  )
LIMIT 101

-- obs_id · string · meta.id
