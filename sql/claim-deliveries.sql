-- claim deliveries
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
  due AS MATERIALIZED (
    SELECT
      d.id
    FROM
      live l
      CROSS JOIN LATERAL (
        SELECT
          w.id
        FROM
          webhook_deliveries w
        WHERE
          w.endpoint_id = l.id
          AND w.status = 'waiting'
          AND NOT w.ordered
          AND w.due_at <= now()
        ORDER BY
          w.due_at
        LIMIT
          l.free
        FOR UPDATE
          SKIP LOCKED
      ) d
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
  )
SELECT
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
  claimed c
  JOIN live l ON l.id = c.endpoint_id
  LEFT JOIN events v ON v.id = c.event_id
ORDER BY
  c.id
