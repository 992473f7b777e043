-- remove crossings
WITH
  removed AS (
    DELETE FROM quota_events
    WHERE
      id = ANY (
        ARRAY(
          SELECT
            id
          FROM
            (
              SELECT
                id,
                created_at
              FROM
                quota_events
              ORDER BY
                id
              LIMIT
                $1
            ) e
          WHERE
            created_at < now() - make_interval(days => $2)
        )
      )
    RETURNING
      id
  )
SELECT
  count(*)::integer AS removed
FROM
  removed
