-- overdue
(
  SELECT
    id
  FROM
    requests
  WHERE
    status = 'pending'
    AND deadline_at <= now()
    AND id <> ALL ($2::uuid[])
  ORDER BY
    deadline_at
  LIMIT
    $1
)
UNION ALL
(
  SELECT
    id
  FROM
    requests
  WHERE
    status = 'processing'
    AND held
    AND lease_expires_at <= now()
    AND id <> ALL ($2::uuid[])
  ORDER BY
    lease_expires_at
  LIMIT
    $1
)
UNION ALL
(
  SELECT
    id
  FROM
    requests
  WHERE
    status = 'processing'
    AND NOT held
    AND lease_expires_at <= now()
    AND (
      cancel_requested_at IS NOT NULL
      OR attempt >= max_attempts
      OR deadline_at <= now()
    )
    AND id <> ALL ($2::uuid[])
  LIMIT
    $1
)
