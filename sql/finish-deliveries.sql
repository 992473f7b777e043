-- finish deliveries
WITH
  result AS MATERIALIZED (
    SELECT
      *
    FROM
      jsonb_to_recordset($1::jsonb) AS r (id bigint, claim integer, status text, "pauseSeconds" float8, counts boolean, attempt jsonb)
  ),
  done AS (
    UPDATE webhook_deliveries w
    SET
      status = r.status,
      tries = w.tries + r.counts::integer,
      due_at = now() + make_interval(secs => r."pauseSeconds"),
      finished_at = CASE
        WHEN r.status <> 'waiting' THEN now()
      END,
      attempts = CASE
        WHEN jsonb_array_length(w.attempts) >= 30 THEN w.attempts - 0
        ELSE w.attempts
      END || r.attempt
    FROM
      result r
    WHERE
      w.id = r.id
      AND w.status = 'waiting'
      AND (
        w.claims = r.claim
        OR r.status = 'delivered'
      )
    RETURNING
      w.id
  )
SELECT
  count(*)::integer AS count
FROM
  done
