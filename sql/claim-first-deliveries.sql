-- claim first deliveries
WITH
  asked AS MATERIALIZED (
    SELECT
      a.id,
      a.free,
      a.after
    FROM
      unnest($1::integer[], $2::integer[], $3::integer[]) AS a (id, free, after)
  ),
  live AS MATERIALIZED (
    SELECT
      a.id,
      a.free,
      a.after,
      e.url,
      e.secret,
      e.failing_since IS NOT NULL AS failing,
      CASE
        WHEN e.previous_expires_at > now() THEN e.previous_secret
      END AS previous
    FROM
      asked a
      JOIN webhook_endpoints e ON e.id = a.id
      LEFT JOIN users u ON u.id = e.user_id
    WHERE
      e.enabled
      AND (
        e.user_id IS NULL
        OR u.status = 'active'
      )
  ),
  heads AS MATERIALIZED (
    SELECT
      l.id AS endpoint,
      l.free,
      h.id,
      h.subject,
      h.due_at,
      h.n
    FROM
      live l
      CROSS JOIN LATERAL (
        WITH RECURSIVE
          head AS (
            (
              SELECT
                w.subject,
                w.id,
                w.due_at,
                1 AS n
              FROM
                webhook_deliveries w
              WHERE
                w.endpoint_id = l.id
                AND w.status = 'waiting'
                AND w.ordered
                AND w.subject > l.after
              ORDER BY
                w.subject,
                w.id
              LIMIT
                1
            )
            UNION ALL
            SELECT
              next.*
            FROM
              head p
              CROSS JOIN LATERAL (
                SELECT
                  w.subject,
                  w.id,
                  w.due_at,
                  p.n + 1
                FROM
                  webhook_deliveries w
                WHERE
                  w.endpoint_id = l.id
                  AND w.status = 'waiting'
                  AND w.ordered
                  AND w.subject > p.subject
                ORDER BY
                  w.subject,
                  w.id
                LIMIT
                  1
              ) next
            WHERE
              p.n < 256
          )
        SELECT
          *
        FROM
          head
      ) h
  ),
  eligible AS MATERIALIZED (
    SELECT
      r.id,
      r.endpoint,
      r.subject
    FROM
      (
        SELECT
          h.*,
          row_number() OVER (
            PARTITION BY
              h.endpoint
            ORDER BY
              h.subject
          ) AS place
        FROM
          heads h
        WHERE
          h.due_at <= now()
      ) r
    WHERE
      r.place <= r.free
  ),
  due AS MATERIALIZED (
    SELECT
      w.id
    FROM
      webhook_deliveries w
    WHERE
      w.id = ANY (
        ARRAY(
          SELECT
            id
          FROM
            eligible
        )
      )
      AND w.status = 'waiting'
      AND w.due_at <= now()
    FOR UPDATE
      SKIP LOCKED
  ),
  claimed AS (
    UPDATE webhook_deliveries w
    SET
      due_at = now() + interval '30 seconds',
      claims = w.claims + 1
    WHERE
      w.id = ANY (
        ARRAY(
          SELECT
            id
          FROM
            due
        )
      )
    RETURNING
      w.id,
      w.endpoint_id,
      w.event_id,
      w.event_type,
      w.claims,
      w.tries,
      w.ordered
  ),
  looked AS (
    SELECT
      h.endpoint,
      max(h.n) AS n,
      max(h.subject) AS last,
      max(h.free) AS free,
      (
        SELECT
          count(*)
        FROM
          eligible e
        WHERE
          e.endpoint = h.endpoint
      ) AS found,
      (
        SELECT
          max(e.subject)
        FROM
          eligible e
        WHERE
          e.endpoint = h.endpoint
      ) AS reached
    FROM
      heads h
    GROUP BY
      h.endpoint
  )
SELECT
  k.endpoint AS "laneId",
  CASE
    WHEN k.found >= k.free THEN k.reached
    WHEN k.n >= 256 THEN k.last
  END AS after,
  c.id,
  c.endpoint_id AS "endpointId",
  c.claims AS claim,
  c.tries,
  c.ordered,
  l.url,
  l.secret,
  l.previous,
  l.failing,
  c.event_id AS "eventId",
  c.event_type AS "eventType",
  v.data,
  v.created_at AS "happenedAt"
FROM
  looked k
  LEFT JOIN claimed c ON c.endpoint_id = k.endpoint
  LEFT JOIN live l ON l.id = c.endpoint_id
  LEFT JOIN events v ON v.id = c.event_id
ORDER BY
  c.id
