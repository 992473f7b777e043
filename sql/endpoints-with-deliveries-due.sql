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
      due_at <= now() AS due
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
    true
  FROM
    ordered
  LIMIT
    500
)
