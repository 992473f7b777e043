-- lock users skips
SELECT
  u.id
FROM
  users u
WHERE
  u.id = ANY (
    ARRAY(
      SELECT
        r.user_id
      FROM
        requests r
      WHERE
        r.id = ANY ($1::uuid[])
    )
  )
ORDER BY
  u.id
FOR NO KEY UPDATE
  SKIP LOCKED
