-- charge deadlines
WITH
  item AS MATERIALIZED (
    SELECT
      i.*
    FROM
      ROWS
    FROM
      (
        json_to_recordset($1) AS (
          user_id integer,
          key_id integer,
          capped boolean,
          type text,
          status text,
          cost integer,
          payload jsonb,
          tail text,
          scope text,
          key text,
          fingerprint text,
          deadline_at timestamptz,
          deadline_seconds integer
        )
      ) WITH ORDINALITY AS i (
        user_id,
        key_id,
        capped,
        type,
        status,
        cost,
        payload,
        tail,
        scope,
        key,
        fingerprint,
        deadline_at,
        deadline_seconds,
        n
      )
  ),
  account AS MATERIALIZED (
    SELECT
      (l.q).*,
      CASE
        WHEN (l.q).unlimited THEN 2147483647
        ELSE (l.q).quota
      END AS ceiling,
      true AS locked,
      l.active,
      (
        l.quota_forms
        OR coalesce(
          jsonb_typeof(
            (
              SELECT
                quota_plans ()
            ) -> (l.q).tier::text -> 5
          ) = 'object',
          false
        )
      ) AS forms,
      l.quota_reset_date,
      l.api_quota_used_today,
      l.api_quota_refunded_today,
      l.api_quota_requests_today
    FROM
      (
        SELECT
          status = 'active' AS active,
          quota_of (
            u,
            (
              SELECT
                quota_default_zone ()
            ),
            (
              SELECT
                quota_plans ()
            )
          ) AS q,
          u.quota_forms,
          u.quota_reset_date,
          u.api_quota_used_today,
          u.api_quota_refunded_today,
          u.api_quota_requests_today
        FROM
          users u
        WHERE
          u.id = ANY ($2::integer[])
          AND u.status <> 'deleted'
        ORDER BY
          u.id
        FOR NO KEY UPDATE
      ) l
  ),
  running AS (
    SELECT
      i.n,
      i.user_id,
      i.key_id,
      i.cost,
      a.ceiling,
      a.day,
      a.fold,
      a.locked,
      a.active,
      a.used AS used_before,
      a.used + sum(i.cost) OVER (
        PARTITION BY
          i.user_id
        ORDER BY
          i.n
      ) AS used_after,
      NULL::integer AS daily_cap,
      NULL::integer AS cap_before,
      NULL::integer AS cap_after
    FROM
      item i
      JOIN account a USING (user_id)
    WHERE
      NOT a.forms
  ),
  sorted AS (
    SELECT
      *,
      coalesce(
        min(n) FILTER (
          WHERE
            used_after > ceiling
            OR cap_after > daily_cap
            OR NOT locked
        ) OVER (
          PARTITION BY
            user_id
        ),
        2147483647
      ) AS first_misfit
    FROM
      running
  ),
  settled AS (
    SELECT
      *,
      coalesce(
        max(used_after) FILTER (
          WHERE
            n < first_misfit
        ) OVER (
          PARTITION BY
            user_id
        ),
        used_before
      ) AS used_then,
      NULL::integer AS cap_then
    FROM
      sorted
  ),
  verdict AS MATERIALIZED (
    SELECT
      n,
      user_id,
      key_id,
      day,
      fold,
      ceiling,
      used_after,
      used_then,
      daily_cap,
      cap_after,
      cap_then,
      CASE
        WHEN NOT active THEN 'suspended'
        WHEN n < first_misfit THEN 'admitted'
        WHEN used_then + cost > ceiling THEN 'over-quota'
        WHEN cap_then + cost > daily_cap THEN 'over-cap'
        ELSE 'deferred'
      END AS outcome
    FROM
      settled
  ),
  total AS MATERIALIZED (
    SELECT
      a.*,
      t.used_now,
      t.requests_now
    FROM
      (
        SELECT
          user_id,
          max(used_after)::integer AS used_now,
          count(*)::integer AS requests_now
        FROM
          verdict
        WHERE
          outcome = 'admitted'
        GROUP BY
          user_id
      ) t
      JOIN account a USING (user_id)
  ),
  archived AS (
    INSERT INTO
      quota_usage (user_id, date, quota, used, refunded, requests)
    SELECT
      user_id,
      quota_reset_date,
      closed_quota,
      api_quota_used_today,
      api_quota_refunded_today,
      api_quota_requests_today
    FROM
      total
    WHERE
      closed
      AND (
        api_quota_requests_today > 0
        OR api_quota_used_today > 0
      )
    ON CONFLICT (user_id, date) DO UPDATE
    SET
      used = least(2147483647, quota_usage.used::bigint + excluded.used),
      refunded = least(2147483647, quota_usage.refunded::bigint + excluded.refunded),
      requests = quota_usage.requests + excluded.requests
  ),
  charged AS (
    UPDATE users u
    SET
      api_quota_used_today = t.used_now,
      api_quota_refunded_today = t.refunded,
      api_quota_requests_today = t.requests + t.requests_now,
      quota_reset_date = t.day,
      quota_reset_zone = t.period_zone,
      quota_reset_fold = t.fold,
      subscription_tier = t.tier,
      api_quota_unlimited = t.base_unlimited,
      api_quota_daily = t.base_quota,
      api_quota_version = t.base_version,
      next_subscription_tier = CASE
        WHEN NOT t.closed
        OR u.next_tier_from > t.day THEN u.next_subscription_tier
      END
    FROM
      total t
    WHERE
      u.id = t.user_id
  ),
  crossed AS (
    INSERT INTO
      quota_events (user_id, date, fold, threshold, used, quota)
    SELECT
      t.user_id,
      t.day,
      t.fold,
      h.share / 10000.0,
      t.used_now,
      t.quota
    FROM
      total t
      CROSS JOIN unnest($3::bigint[]) AS h (share)
    WHERE
      NOT t.unlimited
      AND t.used * 10000::bigint < h.share * t.quota
      AND t.used_now * 10000::bigint >= h.share * t.quota
    UNION ALL
    SELECT
      a.user_id,
      a.day,
      a.fold,
      1,
      v.used_then,
      a.quota
    FROM
      verdict v
      JOIN account a USING (user_id)
    WHERE
      v.outcome = 'over-quota'
      AND a.locked
      AND NOT a.unlimited
      AND v.used_then >= a.quota
      AND NOT EXISTS (
        SELECT
        FROM
          quota_events e
        WHERE
          e.user_id = a.user_id
          AND e.date = a.day
          AND e.fold = a.fold
          AND e.threshold = 1
      )
    ON CONFLICT DO NOTHING
    RETURNING
      user_id,
      date,
      threshold,
      used,
      quota
  ),
  alerted AS (
    INSERT INTO
      events (type, user_id, data)
    SELECT
      a.type,
      a.user_id,
      jsonb_build_object(
        'date',
        a.date,
        'threshold',
        a.threshold,
        'used',
        a.used,
        'limit',
        a.quota,
        'remaining',
        greatest(0, a.quota - a.used),
        'tier',
        t.tier,
        'timeZone',
        split_part(t.period_zone, '@', 1),
        'resetsAt',
        to_char(
          quota_period_end (t.day, t.period_zone, t.zone) AT TIME ZONE 'UTC',
          'YYYY-MM-DD"T"HH24":"MI":"SS.MS"Z"'
        )
      )
    FROM
      (
        SELECT
          *,
          CASE
            WHEN threshold = 1 THEN 'quota.exhausted'
            ELSE 'quota.threshold-reached'
          END AS type
        FROM
          crossed
      ) a
      JOIN account t USING (user_id)
    WHERE
      coalesce(
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
            l.user_id IN (0, a.user_id)
            AND l.type IN (a.type, 'quota.*', '*')
          LIMIT
            1
        ),
        false
      )
    ORDER BY
      a.user_id,
      a.threshold
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
        finished_at,
        deadline_at
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
      i.user_id,
      i.key_id,
      i.type,
      i.status,
      i.cost,
      v.day,
      v.fold,
      nullif(v.ceiling, 2147483647),
      v.used_after,
      i.payload,
      CASE
        WHEN i.status <> 'pending' THEN now()
      END,
      CASE
        WHEN i.status = 'succeeded' THEN now()
      END,
      coalesce(i.deadline_at, now() + make_interval(secs => i.deadline_seconds))
    FROM
      verdict v
      JOIN item i USING (n)
    WHERE
      v.outcome = 'admitted'
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
  )::uuid AS id,
  coalesce(
    v.outcome,
    CASE
      WHEN a.user_id IS NULL THEN 'no-user'
      WHEN a.forms THEN 'needs-forms'
    END
  ) AS outcome,
  coalesce(
    CASE
      WHEN v.outcome = 'admitted' THEN v.used_after
      ELSE v.used_then
    END,
    t.used_now,
    a.used
  )::integer AS used,
  CASE
    WHEN v.outcome = 'admitted' THEN v.cap_after
    ELSE v.cap_then
  END::integer AS "capUsed",
  v.daily_cap AS cap,
  a.unlimited,
  a.locked,
  a.quota,
  a.tier,
  a.zone,
  a.day::text,
  a.period_zone AS "periodZone",
  floor(
    extract(
      epoch
      FROM
        now()
    ) * 1000
  )::float8 AS now
FROM
  item i
  LEFT JOIN account a USING (user_id)
  LEFT JOIN total t USING (user_id)
  LEFT JOIN verdict v USING (n)
ORDER BY
  i.n
