-- charge plain ends
WITH
  charged AS (
    UPDATE users u
    SET
      api_quota_used_today = u.api_quota_used_today + a.units,
      api_quota_requests_today = u.api_quota_requests_today + a.requests,
      quota_reset_zone = coalesce(
        u.time_zone,
        (
          SELECT
            quota_default_zone ()
        )
      )
    FROM
      unnest($1::integer[], $2::bigint[], $3::integer[]) AS a (user_id, units, requests)
    WHERE
      u.id = a.user_id
      AND u.status = 'active'
      AND NOT u.quota_forms
      AND NOT coalesce(
        (
          SELECT
            quota_plans ()
        ) ? u.subscription_tier,
        false
      )
      AND coalesce(u.quota_override_expires_at <= now(), true)
      AND CASE
        WHEN coalesce(
          u.quota_reset_zone = coalesce(
            u.time_zone,
            (
              SELECT
                quota_default_zone ()
            )
          ),
          true
        )
        AND (
          u.time_zone IS NULL
          OR quota_zone_known (u.time_zone)
        ) THEN (
          now() AT TIME ZONE coalesce(
            u.time_zone,
            (
              SELECT
                quota_default_zone ()
            )
          )
        )::date <= u.quota_reset_date
        ELSE false
      END
      AND CASE
        WHEN u.api_quota_unlimited THEN u.api_quota_used_today + a.units <= 2147483647
        ELSE u.api_quota_used_today + a.units <= u.api_quota_daily
        AND width_bucket(u.api_quota_used_today * 10000::bigint / greatest(u.api_quota_daily, 1), $4::bigint[]) = width_bucket((u.api_quota_used_today + a.units) * 10000::bigint / greatest(u.api_quota_daily, 1), $4::bigint[])
      END
    RETURNING
      u.id,
      u.api_quota_used_today AS used,
      (u.api_quota_used_today - a.units)::integer AS used_before,
      u.api_quota_unlimited AS unlimited,
      u.api_quota_daily AS quota,
      u.subscription_tier AS tier,
      u.quota_reset_zone AS zone,
      u.quota_reset_date AS day,
      u.quota_reset_fold AS fold
  ),
  recorded AS (
    INSERT INTO
      requests (
        id,
        user_id,
        api_key_id,
        type,
        status,
        cost,
        charged_on,
        charged_fold,
        limit_at_charge,
        used_at_charge,
        payload,
        started_at,
        finished_at
      )
    SELECT
      (
        (
          SELECT
            lpad(
              to_hex(
                floor(
                  extract(
                    epoch
                    FROM
                      now()
                  ) * 1000
                )::bigint
              ),
              12,
              '0'
            )
        ) || i.tail
      )::uuid,
      c.id,
      i.key_id,
      i.type,
      i.status,
      i.cost,
      c.day,
      c.fold,
      CASE
        WHEN NOT c.unlimited THEN nullif(c.quota, 2147483647)
      END,
      c.used_before + i.upto,
      i.payload,
      CASE
        WHEN i.status <> 'pending' THEN now()
      END,
      CASE
        WHEN i.status = 'succeeded' THEN now()
      END
    FROM
      charged c
      JOIN unnest(
        $5::integer[],
        $6::integer[],
        $7::text[],
        $8::text[],
        $9::integer[],
        $10::bigint[],
        $11::jsonb[],
        $12::text[]
      ) AS i (user_id, key_id, type, status, cost, upto, payload, tail) ON i.user_id = c.id
    RETURNING
      id,
      user_id,
      type,
      status,
      cost,
      refunded_units,
      charged_on,
      api_key_id,
      attempt,
      error,
      created_at,
      started_at,
      finished_at
  ),
  ended AS (
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
      recorded e
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
  c.id,
  c.used_before,
  c.unlimited,
  c.quota,
  c.tier,
  c.zone,
  c.day::text,
  floor(
    extract(
      epoch
      FROM
        now()
    ) * 1000
  )::float8
FROM
  charged c
