-- standing
WITH
  account AS (
    SELECT
      u.id,
      u.status,
      quota_of (
        u,
        (
          SELECT
            quota_default_zone ()
        ),
        (
          SELECT
            quota_plans ()
        )
      ) AS q
    FROM
      users u
    WHERE
      u.id = ANY ($1::integer[])
      AND u.status <> 'deleted'
    OFFSET
      0
  )
SELECT
  a.id AS "userId",
  a.status = 'active' AS active,
  (a.q).used,
  (a.q).unlimited,
  (a.q).quota,
  (a.q).tier,
  (a.q).zone,
  (a.q).day::text,
  (a.q).period_zone AS "periodZone",
  floor(
    extract(
      epoch
      FROM
        now()
    ) * 1000
  )::float8 AS now
FROM
  account a
