-- settle and refund
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
  account AS MATERIALIZED (
    SELECT
      u.id,
      u.quota_reset_date AS day,
      u.quota_reset_fold AS fold
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
            r.id = ANY (
              ARRAY(
                SELECT
                  id
                FROM
                  item
              )
            )
        )
      )
    ORDER BY
      u.id
    FOR NO KEY UPDATE
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
      AND (
        SELECT
          count(*)
        FROM
          account
      ) >= 0
    ORDER BY
      r.id
    FOR NO KEY UPDATE
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
        OR t.user_id <> i.owner THEN 'unknown'
        WHEN t.status NOT IN ('pending', 'processing') THEN 'refused'
        WHEN (
          t.deadline_at <= now()
          OR t.held
          AND t.lease_expires_at <= now()
        ) THEN 'late'
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
  refund AS (
    SELECT
      g.user_id,
      g.charged_on,
      (g.charged_on, g.charged_fold) = (a.day, a.fold) AS open,
      sum(g.granted - g.undrawn) AS units,
      sum(g.unspent) AS overage
    FROM
      granted g
      JOIN account a ON a.id = g.user_id
    WHERE
      g.granted > g.undrawn
      OR g.unspent > 0
    GROUP BY
      1,
      2,
      3
  ),
  credited AS (
    UPDATE users u
    SET
      api_quota_used_today = greatest(0, u.api_quota_used_today - f.units),
      api_quota_refunded_today = least(2147483647, u.api_quota_refunded_today + f.units)::integer,
      quota_overage_today = CASE
        WHEN (u.quota_overage_date, u.quota_overage_fold) = (u.quota_reset_date, u.quota_reset_fold) THEN greatest(0, u.quota_overage_today - f.overage)
        ELSE u.quota_overage_today
      END
    FROM
      refund f
    WHERE
      f.open
      AND u.id = f.user_id
  ),
  archived AS (
    INSERT INTO
      quota_usage (user_id, date, used, refunded)
    SELECT
      user_id,
      charged_on,
      0,
      least(2147483647, units)::integer
    FROM
      refund
    WHERE
      NOT open
      AND units > 0
    ON CONFLICT (user_id, date) DO UPDATE
    SET
      used = greatest(0, quota_usage.used - excluded.refunded),
      refunded = least(2147483647, quota_usage.refunded::bigint + excluded.refunded)::integer
  ),
  returned AS (
    UPDATE quota_grants q
    SET
      used = greatest(0, q.used - f.units)
    FROM
      (
        SELECT
          d.grant_id,
          sum(
            greatest(
              0,
              least(g.cost - g.refunded_units, d.begins + d.units) - greatest(g.cost - (g.refunded_units + g.granted), d.begins)
            )
          )::integer AS units
        FROM
          granted g
          JOIN request_draws d ON d.request_id = g.id
        WHERE
          g.undrawn > 0
          AND d.grant_id IS NOT NULL
        GROUP BY
          d.grant_id
      ) f
    WHERE
      q.id = f.grant_id
      AND f.units > 0
  ),
  overage_returned AS (
    UPDATE quota_overage o
    SET
      units = greatest(0, o.units - f.units)
    FROM
      (
        SELECT
          user_id,
          charged_on,
          charged_fold,
          sum(unspent)::integer AS units
        FROM
          granted
        WHERE
          unspent > 0
        GROUP BY
          1,
          2,
          3
      ) f
    WHERE
      o.user_id = f.user_id
      AND o.date = f.charged_on
      AND o.fold = f.charged_fold
  ),
  unbound AS (
    UPDATE quota_limit_usage c
    SET
      used = greatest(0, c.used - f.units)
    FROM
      (
        SELECT
          g.user_id,
          l.name,
          l.period,
          l.starts_at,
          sum(g.granted)::integer AS units
        FROM
          granted g
          CROSS JOIN LATERAL jsonb_to_recordset(g.limits_charged) AS l (name text, period text, starts_at timestamptz)
        WHERE
          g.granted > 0
        GROUP BY
          1,
          2,
          3,
          4
      ) f
    WHERE
      c.user_id = f.user_id
      AND c.name = f.name
      AND c.period = f.period
      AND c.starts_at = f.starts_at
  ),
  key AS MATERIALIZED (
    SELECT
      k.id,
      k.user_id,
      k.cap_reset_date AS day,
      k.cap_reset_fold AS fold
    FROM
      api_keys k
    WHERE
      k.id = ANY (
        ARRAY(
          SELECT
            api_key_id
          FROM
            granted
          WHERE
            granted > 0
        )
      )
      AND k.daily_cap IS NOT NULL
    ORDER BY
      k.id
    FOR NO KEY UPDATE
  ),
  uncapped AS (
    UPDATE api_keys k
    SET
      cap_used_today = greatest(0, k.cap_used_today - f.units)
    FROM
      (
        SELECT
          c.id,
          sum(g.granted) AS units
        FROM
          granted g
          JOIN key c ON c.id = g.api_key_id
          JOIN users o ON o.id = c.user_id
        WHERE
          CASE
            WHEN c.user_id = g.user_id THEN (c.day, c.fold) = (g.charged_on, g.charged_fold)
            ELSE c.day = quota_day_at (
              g.created_at,
              CASE
                WHEN quota_zone_known (split_part(coalesce(o.quota_reset_zone, o.time_zone), '@', 1)) THEN coalesce(o.quota_reset_zone, o.time_zone)
                ELSE (
                  SELECT
                    quota_default_zone ()
                )
              END
            )
          END
        GROUP BY
          c.id
      ) f
    WHERE
      k.id = f.id
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
