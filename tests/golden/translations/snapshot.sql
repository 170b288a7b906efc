SELECT
  "products"."filename" AS "filename",
  "products"."proposal_id" AS "proposal_id",
  "products"."data_rights" AS "data_rights"
FROM (
  SELECT
    a.filename AS "filename",
    o.proposal_id AS "proposal_id",
    CASE WHEN a.data_release <= $now THEN 'public' ELSE 'proprietary' END AS "data_rights"
  FROM artifact_all AS a
  JOIN observation_all AS o
    ON o.obs_number = a.obs_number
    AND o.seq_from <= 3
    AND (
      o.seq_to IS NULL OR o.seq_to > 3
    )
  WHERE
    a.seq_from <= 3 AND (
      a.seq_to IS NULL OR a.seq_to > 3
    )
) AS "products"
LIMIT 101

-- filename · string · meta.id;meta.file
-- proposal_id · string · meta.id;obs.proposal
-- data_rights · string · meta.code
