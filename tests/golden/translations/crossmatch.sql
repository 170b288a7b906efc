SELECT
  "u"."c0" AS "name",
  "o"."obs_id" AS "obs_id",
  (
    114.59155902616465e0 * ASIN(
      LEAST(
        1e0,
        SQRT(
          POWER(
            COS(RADIANS("u"."c2")) * COS(RADIANS("u"."c1")) - COS(RADIANS("o"."s_dec")) * COS(RADIANS("o"."s_ra")),
            2
          ) + POWER(
            COS(RADIANS("u"."c2")) * SIN(RADIANS("u"."c1")) - COS(RADIANS("o"."s_dec")) * SIN(RADIANS("o"."s_ra")),
            2
          ) + POWER(SIN(RADIANS("u"."c2")) - SIN(RADIANS("o"."s_dec")), 2)
        ) * 5e-1
      ) + 0e0 * (
        "u"."c1" + "u"."c2" + "o"."s_ra" + "o"."s_dec"
      )
    )
  ) AS "separation"
FROM (
  SELECT
    *,
    UNNEST(SKY_CELLS(12, "u"."c1", "u"."c2", 0.001388888888888889e0)) AS "$around"
  FROM "upload_0" AS "u"
) AS "u"
JOIN (
  SELECT
    d.s_ra AS "s_ra",
    d.s_dec AS "s_dec",
    d.healpix AS "$cell",
    d.obs_id AS "obs_id"
  FROM dataset_all AS d
  WHERE
    d.seq_to IS NULL AND d.calib_level >= 0
) AS "o"
  ON (
    "o"."$cell" >> 34
  ) = "u"."$around"
  AND POWER(
    COS(RADIANS("o"."s_dec")) * COS(RADIANS("o"."s_ra")) - COS(RADIANS("u"."c2")) * COS(RADIANS("u"."c1")),
    2
  ) + POWER(
    COS(RADIANS("o"."s_dec")) * SIN(RADIANS("o"."s_ra")) - COS(RADIANS("u"."c2")) * SIN(RADIANS("u"."c1")),
    2
  ) + POWER(SIN(RADIANS("o"."s_dec")) - SIN(RADIANS("u"."c2")), 2) <= 5.876107639334877e-10
ORDER BY
  3 ASC
LIMIT 101

-- name · string
-- obs_id · string · meta.id
-- separation · float64 · deg · pos.angDistance
