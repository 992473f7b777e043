-- endpoints recovered
UPDATE webhook_endpoints
SET
  failing_since = NULL,
  failing_percent = 0
WHERE
  id = ANY ($1::integer[])
  AND failing_since IS NOT NULL
