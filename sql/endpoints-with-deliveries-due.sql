-- endpoints with deliveries due
WITH RECURSIVE
  lane AS (
    (
      SELECT
        w.endpoint_id,
        w.due_at
      FROM
        webhook_deliveries w
      WHERE
        w.status = 'waiting'
        AND NOT w.ordered
        AND w.endpoint_id > $1
      ORDER BY
        w.endpoint_id,
        w.due_at
      LIMIT
        1
    )
    UNION ALL
    SELECT
      next.*
    FROM
      lane p
      CROSS JOIN LATERAL (
        SELECT
          w.endpoint_id,
          w.due_at
        FROM
          webhook_deliveries w
        WHERE
          w.status = 'waiting'
          AND NOT w.ordered
          AND w.endpoint_id > p.endpoint_id
        ORDER BY
          w.endpoint_id,
          w.due_at
        LIMIT
          1
      ) next
  ),
  ordered AS (
    (
      SELECT
        w.endpoint_id,
        w.due_at
      FROM
        webhook_deliveries w
      WHERE
        w.status = 'waiting'
        AND w.ordered
        AND w.endpoint_id > $1
      ORDER BY
        w.endpoint_id,
        w.subject,
        w.id
      LIMIT
        1
    )
    UNION ALL
    SELECT
      next.*
    FROM
      ordered p
      CROSS JOIN LATERAL (
        SELECT
          w.endpoint_id,
          w.due_at
        FROM
          webhook_deliveries w
        WHERE
          w.status = 'waiting'
          AND w.ordered
          AND w.endpoint_id > p.endpoint_id
        ORDER BY
          w.endpoint_id,
          w.subject,
          w.id
        LIMIT
          1
      ) next
  ) (
    SELECT
      endpoint_id AS "endpointId",
      false AS ordered,
      due_at <= now()
      AND EXISTS (
        SELECT
        FROM
          webhook_endpoints e
          LEFT JOIN users u ON u.id = e.user_id
        WHERE
          e.id = endpoint_id
          AND e.enabled
          AND (
            e.user_id IS NULL
            OR u.status = 'active'
          )
      ) AS due
    FROM
      lane
    LIMIT
      500
  )
UNION ALL
(
  SELECT
    endpoint_id,
    true,
    EXISTS (
      SELECT
      FROM
        webhook_endpoints e
        LEFT JOIN users u ON u.id = e.user_id
      WHERE
        e.id = endpoint_id
        AND e.enabled
        AND (
          e.user_id IS NULL
          OR u.status = 'active'
        )
    )
  FROM
    ordered
  LIMIT
    500
)
