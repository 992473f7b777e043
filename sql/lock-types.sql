-- lock types
SELECT
  pg_advisory_xact_lock(hashtextextended ('claim ' || t.type, 0))
FROM
  (
    SELECT
      type
    FROM
      unnest($1::text[]) AS type
    ORDER BY
      1
  ) t
