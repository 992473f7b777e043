-- notify
SELECT
  pg_notify ($1, part)
FROM
  unnest($2::text[]) AS part
