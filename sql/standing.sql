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
      ) AS q,
      CASE
        WHEN u.quota_forms THEN (
          SELECT
            coalesce(sum(g.units - g.used), 0)
          FROM
            quota_grants g
          WHERE
            g.user_id = u.id
            AND g.revoked_at IS NULL
            AND coalesce(g.expires_at > now(), true)
            AND g.used < g.units
        )
        ELSE 0
      END::float8 AS granted
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
  a.granted,
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
