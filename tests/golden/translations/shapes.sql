SELECT
  CASE
    WHEN NOT "obscore"."s_ra" IS NULL AND NOT "obscore"."s_dec" IS NULL
    THEN ["obscore"."s_ra", "obscore"."s_dec"]
  END AS "p",
  CASE
    WHEN NOT "obscore"."s_ra" IS NULL
    AND NOT "obscore"."s_dec" IS NULL
    AND NOT (
      "obscore"."s_fov" / 2.0e0
    ) IS NULL
    THEN ["obscore"."s_ra", "obscore"."s_dec", (
        "obscore"."s_fov" / 2.0e0
    )]
  END AS "c",
  SKY_CENTROID(
    "obscore"."$outline",
    CASE WHEN "obscore"."$outline" IS NULL THEN "obscore"."s_region" END
  ) AS "m",
  SKY_AREA(
    "obscore"."$outline",
    CASE WHEN "obscore"."$outline" IS NULL THEN "obscore"."s_region" END
  ) AS "a"
FROM (
  SELECT
    d.s_ra AS "s_ra",
    d.s_dec AS "s_dec",
    d.healpix AS "$cell",
    d.s_fov AS "s_fov",
    d.s_region AS "s_region",
    d.s_ra AS "$ra",
    d.s_dec AS "$dec",
    CASE WHEN NOT d.s_region IS NULL THEN COALESCE(d.s_fov, 36e1) END AS "$field",
    d.outline AS "$outline"
  FROM dataset_all AS d
  WHERE
    d.seq_to IS NULL AND d.calib_level >= 0
) AS "obscore"
LIMIT 101

-- p · float64 · 2 · point · deg · pos.eq
-- c · float64 · 3 · circle · deg · pos.outline
-- m · float64 · 2 · point · deg · pos.eq
-- a · float64 · deg**2 · phys.angArea
