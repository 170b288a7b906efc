SELECT
  "columns"."column_name" AS "column_name",
  "columns"."size" AS "size"
FROM (
  SELECT
    d."table_name",
    d."principal",
    d."column_name",
    d."size"
  FROM described."columns" AS d
) AS "columns"
WHERE
  "columns"."table_name" = 'ivoa.ObsCore' AND "columns"."principal" = 1
LIMIT 101

-- column_name · string · meta.id
-- size · int32 · meta.number
