-- day roll survey named
WITH
  clock AS MATERIALIZED (
    SELECT
      z.name AS zone,
      (now() AT TIME ZONE z.name)::date AS today
    FROM
      (
        SELECT
          CASE
            WHEN quota_zone_known ($1::text) THEN $1::text
            ELSE quota_default_zone ()
          END AS name
        OFFSET
          0
      ) z
  ),
  next AS (
    SELECT
      u.id,
      CASE
        WHEN coalesce(
          (
            SELECT
              quota_plans ()
          ) ? u.subscription_tier,
          false
        )
        AND u.quota_reset_date <= (
          SELECT
            today
          FROM
            clock
        ) + 1 THEN (
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
          )
        ).closed
        WHEN coalesce(
          u.quota_reset_zone = (
            SELECT
              zone
            FROM
              clock
          ),
          true
        ) THEN u.quota_reset_date < (
          SELECT
            today
          FROM
            clock
        )
        WHEN u.quota_reset_date > (
          SELECT
            today
          FROM
            clock
        ) THEN false
        ELSE (
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
          )
        ).closed
      END AS over
    FROM
      users u
    WHERE
      u.time_zone = $1::text
      AND u.id > $2::integer
    ORDER BY
      u.time_zone,
      u.id
    LIMIT
      $3::integer
  )
SELECT
  max(id) AS upto,
  count(*)::integer AS seen,
  (
    count(*) FILTER (
      WHERE
        over
    )
  )::integer AS due
FROM
  next
