-- consumers due
SELECT
  c.name
FROM
  event_cursors c
WHERE
  c.name = ANY ($1::text[])
  AND EXISTS (
    SELECT
    FROM
      events e
    WHERE
      e.position > c.position
    ORDER BY
      e.position
    LIMIT
      1
  )
