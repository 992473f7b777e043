-- settle skips
WITH
  item AS MATERIALIZED (
    SELECT
      *
    FROM
      ROWS
    FROM
      (
        json_to_recordset($1) AS (
          id uuid,
          act text,
          attempt integer,
          owner integer,
          units integer,
          result jsonb,
          error jsonb,
          retryable boolean,
          retry_base integer,
          retry_max integer,
          lease integer,
          force boolean
        )
      ) WITH ORDINALITY AS i (id, act, attempt, owner, units, result, error, retryable, retry_base, retry_max, lease, force, n)
  ),
  target AS MATERIALIZED (
    SELECT
      r.id,
      r.user_id,
      r.api_key_id,
      r.status,
      r.cost,
      r.drawn_units,
      r.limits_charged,
      r.refunded_units,
      r.charged_on,
      r.charged_fold,
      r.attempt,
      r.max_attempts,
      r.held,
      r.lease_expires_at,
      r.deadline_at,
      r.cancel_requested_at,
      r.created_at,
      r.started_at
    FROM
      requests r
    WHERE
      r.id = ANY (
        ARRAY(
          SELECT
            id
          FROM
            item
        )
      )
    ORDER BY
      r.id
    FOR NO KEY UPDATE
      SKIP LOCKED
  ),
  judged AS (
    SELECT
      i.n,
      i.act,
      i.units AS stated,
      i.result,
      i.error AS given,
      i.retryable,
      i.retry_base,
      i.retry_max,
      i.lease,
      i.force,
      t.*,
      (
        t.deadline_at <= now()
        OR t.held
        AND t.lease_expires_at <= now()
      ) AS overdue,
      CASE
        WHEN t.id IS NULL
        AND EXISTS (
          SELECT
          FROM
            requests b
          WHERE
            b.id = i.id
        ) THEN 'busy'
        WHEN t.id IS NULL
        OR t.user_id <> i.owner THEN 'unknown'
        WHEN t.status NOT IN ('pending', 'processing') THEN 'refused'
        WHEN (
          t.deadline_at <= now()
          OR t.held
          AND t.lease_expires_at <= now()
        ) THEN 'deferred'
        WHEN i.act = 'sweep' THEN CASE
          WHEN t.lease_expires_at <= now()
          AND (
            t.cancel_requested_at IS NOT NULL
            OR t.attempt >= t.max_attempts
          ) THEN 'late'
          ELSE 'refused'
        END
        WHEN i.act = 'cancel' THEN 'done'
        WHEN t.status <> 'processing'
        OR t.attempt <> i.attempt THEN 'refused'
        WHEN i.units > t.cost THEN 'over-cost'
        ELSE 'done'
      END AS outcome
    FROM
      item i
      LEFT JOIN target t USING (id)
  ),
  moved AS (
    SELECT
      j.*,
      CASE
        WHEN outcome = 'done' THEN stated
      END AS units,
      CASE
        WHEN outcome = 'late' THEN CASE
          WHEN deadline_at <= now() THEN 'expired'
          WHEN held THEN 'succeeded'
          WHEN cancel_requested_at IS NOT NULL THEN 'canceled'
          ELSE 'failed'
        END
        WHEN act = 'heartbeat' THEN 'processing'
        WHEN act = 'complete' THEN 'succeeded'
        WHEN act = 'fail' THEN CASE
          WHEN cancel_requested_at IS NOT NULL THEN 'canceled'
          WHEN retryable
          AND NOT held
          AND attempt < max_attempts THEN 'pending'
          ELSE 'failed'
        END
        WHEN status = 'pending'
        OR held
        AND force THEN 'canceled'
        ELSE 'processing'
      END AS next
    FROM
      judged j
    WHERE
      outcome IN ('done', 'late')
  ),
  due AS (
    SELECT
      m.*,
      m.next NOT IN ('pending', 'processing') AS final,
      least(
        cost - refunded_units,
        CASE
          WHEN next IN ('pending', 'processing') THEN 0
          WHEN next = 'succeeded' THEN cost - coalesce(units, cost)
          ELSE CASE $2::json ->> CASE
              WHEN next = 'canceled' THEN CASE status
                WHEN 'pending' THEN 'canceledBeforeStart'
                ELSE 'canceledWhileProcessing'
              END
              WHEN next = 'expired'
              AND attempt > 0 THEN 'expiredWhileProcessing'
              ELSE next
            END
            WHEN 'all' THEN cost
            WHEN 'none' THEN 0
            ELSE cost - coalesce(units, 0)
          END
        END
      ) AS due
    FROM
      moved m
  ),
  granted AS MATERIALIZED (
    SELECT
      g.*,
      CASE
        WHEN undrawn > 0 THEN (
          SELECT
            coalesce(
              sum(
                greatest(
                  0,
                  least(g.cost - g.refunded_units, d.begins + d.units) - greatest(g.cost - (g.refunded_units + g.granted), d.begins)
                )
              ),
              0
            )
          FROM
            request_draws d
          WHERE
            d.request_id = g.id
            AND d.source = 'overage'
        )
        ELSE 0
      END AS unspent
    FROM
      (
        SELECT
          d.*,
          least(drawn_units, refunded_units + granted) - least(drawn_units, refunded_units) AS undrawn
        FROM
          (
            SELECT
              d.*,
              CASE
                WHEN next = 'succeeded'
                OR $3::integer IS NULL THEN due
                ELSE greatest(
                  0,
                  least(
                    due,
                    $3 - (
                      SELECT
                        coalesce(sum(r.refunded_units), 0)
                      FROM
                        requests r
                      WHERE
                        r.user_id = d.user_id
                        AND r.charged_on = d.charged_on
                        AND r.charged_fold = d.charged_fold
                        AND r.refunded_units > 0
                        AND r.status IN ('failed', 'canceled', 'expired')
                    ) - (
                      sum(due) OVER (
                        PARTITION BY
                          user_id,
                          charged_on,
                          charged_fold,
                          next = 'succeeded'
                        ORDER BY
                          n
                      ) - due
                    )
                  )
                )
              END::integer AS granted
            FROM
              due d
          ) d
      ) g
  ),
  given_back AS (
    INSERT INTO
      request_attempts (request_id, attempt, outcome, error, started_at)
    SELECT
      id,
      attempt,
      'returned',
      given,
      coalesce(started_at, created_at)
    FROM
      granted
    WHERE
      next = 'pending'
  ),
  ended AS (
    UPDATE requests r
    SET
      status = g.next,
      refunded_units = r.refunded_units + g.granted,
      result = CASE
        WHEN g.outcome = 'done'
        AND g.next = 'succeeded' THEN g.result
        ELSE r.result
      END,
      error = CASE
        WHEN g.next = 'succeeded' THEN NULL
        WHEN g.outcome = 'done'
        AND g.act = 'fail' THEN g.given
        WHEN g.outcome = 'late'
        AND g.next = 'expired' THEN '{"code": "deadline-passed"}'
        WHEN g.outcome = 'late'
        AND g.next = 'failed' THEN '{"code": "attempts-exhausted"}'
        ELSE r.error
      END,
      available_at = CASE
        WHEN g.next = 'pending' THEN now() + make_interval(secs => least(g.retry_max, g.retry_base * 2 ^ (g.attempt - 1)) * (0.5 + random() / 2))
      END,
      lease_expires_at = CASE
        WHEN g.next = 'processing' THEN CASE
          WHEN g.act = 'heartbeat' THEN least(now() + make_interval(secs => g.lease), r.deadline_at)
          ELSE r.lease_expires_at
        END
      END,
      cancel_requested_at = CASE
        WHEN g.act = 'cancel' THEN coalesce(r.cancel_requested_at, now())
        ELSE r.cancel_requested_at
      END,
      finished_at = CASE
        WHEN g.final THEN now()
      END,
      updated_at = CASE
        WHEN g.act = 'heartbeat' THEN r.updated_at
        ELSE now()
      END
    FROM
      granted g
    WHERE
      r.id = g.id
    RETURNING
      r.*
  ),
  recorded AS (
    INSERT INTO
      events (type, user_id, data)
    SELECT
      'request.' || e.status,
      e.user_id,
      jsonb_build_object(
        'id',
        e.id,
        'type',
        e.type,
        'status',
        e.status,
        'cost',
        e.cost,
        'refundedUnits',
        e.refunded_units,
        'chargedOn',
        e.charged_on,
        'apiKeyId',
        e.api_key_id,
        'attempt',
        e.attempt,
        'errorCode',
        left(e.error ->> 'code', 200),
        'createdAt',
        to_char(e.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24":"MI":"SS.MS"Z"'),
        'startedAt',
        to_char(e.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24":"MI":"SS.MS"Z"'),
        'finishedAt',
        to_char(e.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24":"MI":"SS.MS"Z"')
      )
    FROM
      ended e
    WHERE
      e.status IN ('succeeded', 'failed', 'canceled', 'expired')
      AND coalesce(
        (
          SELECT
            true
          FROM
            event_listeners
          LIMIT
            1
        ),
        false
      )
      AND coalesce(
        (
          SELECT
            true
          FROM
            event_listeners l
          WHERE
            l.user_id IN (0, e.user_id)
            AND l.type IN ('request.' || e.status, 'request.*', '*')
          LIMIT
            1
        ),
        false
      )
  )
SELECT
  j.outcome,
  coalesce(r.status, j.status),
  j.attempt,
  j.cost,
  coalesce(g.granted, 0),
  r.lease_expires_at,
  r.cancel_requested_at IS NOT NULL,
  CASE
    WHEN j.outcome = 'done'
    AND j.act NOT IN ('heartbeat', 'sweep') THEN concat(
      '{"id":"',
      r.id,
      '","userId":',
      r.user_id,
      ',"type":"',
      r.type,
      '","status":"',
      r.status,
      '","cost":',
      r.cost,
      ',"refundedUnits":',
      r.refunded_units,
      ',"chargedOn":"',
      r.charged_on,
      '","payload":',
      r.payload,
      ',"result":',
      coalesce(r.result, 'null'),
      ',"error":',
      coalesce(r.error, 'null'),
      ',"attempt":',
      r.attempt,
      ',"createdAt":',
      coalesce(to_char(r.created_at AT TIME ZONE 'UTC', '\"YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\"'), 'null'),
      ',"startedAt":',
      coalesce(to_char(r.started_at AT TIME ZONE 'UTC', '\"YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\"'), 'null'),
      ',"finishedAt":',
      coalesce(to_char(r.finished_at AT TIME ZONE 'UTC', '\"YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\"'), 'null'),
      ',"updatedAt":',
      coalesce(to_char(r.updated_at AT TIME ZONE 'UTC', '\"YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\"'), 'null'),
      ',"availableAt":',
      coalesce(to_char(r.available_at AT TIME ZONE 'UTC', '\"YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\"'), 'null'),
      ',"deadlineAt":',
      coalesce(to_char(r.deadline_at AT TIME ZONE 'UTC', '\"YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\"'), 'null'),
      ',"cancelRequestedAt":',
      coalesce(to_char(r.cancel_requested_at AT TIME ZONE 'UTC', '\"YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\"'), 'null'),
      CASE
        WHEN r.drawn_units > 0 THEN ',"draws":' || (
          CASE
            WHEN r.drawn_units > 0 THEN (
              SELECT
                json_agg(
                  json_build_object('source', d.source, 'grantId', d.grant_id, 'units', d.units)
                  ORDER BY
                    d.begins
                )
              FROM
                request_draws d
              WHERE
                d.request_id = r.id
            )
          END
        )::text
      END,
      '}'
    )
  END
FROM
  judged j
  LEFT JOIN granted g USING (n)
  LEFT JOIN ended r ON r.id = g.id
ORDER BY
  j.n
