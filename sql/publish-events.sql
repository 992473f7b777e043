-- publish events
WITH
  held AS MATERIALIZED (
    SELECT
      pg_try_advisory_xact_lock($2) AS held
  ),
  numbered AS MATERIALIZED (
    SELECT
      o.id,
      nextval('events_position_seq') AS position,
      greatest(
        clock_timestamp(),
        (
          SELECT
            p.published_at
          FROM
            events p
          WHERE
            p.position IS NOT NULL
          ORDER BY
            p.position DESC
          LIMIT
            1
        )
      ) AS at
    FROM
      (
        SELECT
          id
        FROM
          events
        WHERE
          position IS NULL
          AND id > $3
        ORDER BY
          id
        LIMIT
          (
            SELECT
              CASE
                WHEN held THEN $1::integer
                ELSE 0
              END
            FROM
              held
          )
      ) o
  ),
  published AS (
    UPDATE events e
    SET
      position = n.position,
      published_at = n.at
    FROM
      numbered n
    WHERE
      e.id = ANY (
        ARRAY(
          SELECT
            id
          FROM
            numbered
        )
      )
      AND e.id = n.id
      AND e.position IS NULL
    RETURNING
      e.id
  )
SELECT
  h.held,
  (
    SELECT
      count(*)
    FROM
      published
  )::integer AS count,
  (
    SELECT
      count(*)
    FROM
      numbered
  )::integer AS seen,
  coalesce(
    (
      SELECT
        true
      FROM
        event_listeners
      WHERE
        type IN ('*', 'request.*', 'request.succeeded', 'request.failed', 'request.canceled', 'request.expired')
      LIMIT
        1
    ),
    false
  ) AS "requestsAreFollowed",
  (
    SELECT
      last_value::float8
    FROM
      events_id_seq
  ) AS "lastId"
FROM
  held h
