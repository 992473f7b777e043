-- writers of events
SELECT DISTINCT
  virtualtransaction AS writer
FROM
  pg_locks
WHERE
  locktype = 'relation'
  AND database = (
    SELECT
      oid
    FROM
      pg_database
    WHERE
      datname = current_database()
  )
  AND relation = 'events'::regclass
  AND mode = 'RowExclusiveLock'
  AND granted
  AND pid IS DISTINCT FROM pg_backend_pid()
