-- day roll survey inherited
WITH
  clock AS MATERIALIZED (
    SELECT
      z.name AS zone,
      (now() AT TIME ZONE z.name)::date AS today
    FROM
      (
        SELECT
          quota_default_zone () AS name
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
      u.time_zone IS NULL
      AND u.id > $1::integer
    ORDER BY
      u.time_zone,
      u.id
    LIMIT
      $2::integer
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
