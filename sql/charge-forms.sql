-- charge forms
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
          shadow boolean,
          shadow_code text
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
        shadow,
        shadow_code,
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
      l.api_quota_requests_today,
      CASE
        WHEN (l.quota_overage_date, l.quota_overage_fold) = ((l.q).day, (l.q).fold) THEN l.quota_overage_today
        ELSE 0
      END AS overage_used,
      (
        (l.q).closed
        AND coalesce(
          (
            SELECT
              quota_plans ()
          ) -> l.subscription_tier::text -> 5 ? 'rollover',
          false
        )
      ) AS to_roll,
      l.max_in_flight,
      (
        l.max_in_flight IS NOT NULL
        OR coalesce(
          (
            SELECT
              quota_plans ()
          ) -> (l.q).tier::text -> 5 ?| ARRAY['maxInFlight', 'maxInFlightByType', 'limits'],
          false
        )
      ) AS limited
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
          u.api_quota_requests_today,
          u.quota_overage_today,
          u.quota_overage_date,
          u.quota_overage_fold,
          u.subscription_tier,
          u.max_in_flight
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
  held_grant AS MATERIALIZED (
    SELECT
      l.*
    FROM
      (
        SELECT
          g.id,
          g.user_id,
          g.units - g.used AS units,
          g.priority,
          g.expires_at
        FROM
          quota_grants g
        WHERE
          g.user_id = ANY (
            ARRAY(
              SELECT
                user_id
              FROM
                account
              WHERE
                locked
                AND forms
            )
          )
          AND g.revoked_at IS NULL
          AND coalesce(g.expires_at > now(), true)
          AND g.used < g.units
        ORDER BY
          g.id
        FOR NO KEY UPDATE
      ) l
  ),
  purse AS MATERIALIZED (
    SELECT
      a.user_id,
      greatest(a.used, a.ceiling)::bigint AS own_end,
      coalesce(g.units, 0)::bigint AS granted,
      CASE
        WHEN o.overage IS NULL THEN 0
        ELSE greatest(
          0,
          CASE coalesce(jsonb_typeof(o.overage -> 'max'), 'null')
            WHEN 'null' THEN 2147483647
            WHEN 'number' THEN least((o.overage ->> 'max')::numeric, 2147483647)::bigint
            ELSE 0
          END - a.overage_used
        )
      END AS overage,
      coalesce(o.shadow, false) AS shadow
    FROM
      account a
      LEFT JOIN LATERAL (
        SELECT
          coalesce(f.overage, p.plan -> 'overage') AS overage,
          coalesce(f.shadow, (p.plan ->> 'shadow')::boolean) AS shadow
        FROM
          (
            SELECT
              (
                SELECT
                  quota_plans ()
              ) -> a.tier::text -> 5 AS plan
          ) p
          LEFT JOIN user_quota_forms f ON f.user_id = a.user_id
      ) o ON a.forms
      LEFT JOIN (
        SELECT
          user_id,
          sum(units) AS units
        FROM
          held_grant
        GROUP BY
          user_id
      ) g USING (user_id)
  ),
  source AS MATERIALIZED (
    SELECT
      user_id,
      'grant' AS source,
      id AS grant_id,
      sum(units) OVER w - units AS begins,
      sum(units) OVER w AS ends
    FROM
      held_grant
    WINDOW
      w AS (
        PARTITION BY
          user_id
        ORDER BY
          priority,
          expires_at NULLS LAST,
          id
      )
    UNION ALL
    SELECT
      user_id,
      'overage',
      NULL,
      granted,
      granted + overage
    FROM
      purse
    WHERE
      overage > 0
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
      a.used + sum(
        CASE
          WHEN i.shadow THEN 0
          ELSE i.cost
        END
      ) OVER (
        PARTITION BY
          i.user_id
        ORDER BY
          i.n
      ) AS used_after,
      i.shadow,
      NULL::integer AS daily_cap,
      NULL::integer AS cap_before,
      NULL::integer AS cap_after,
      p.own_end,
      p.own_end + p.granted + p.overage AS reach
    FROM
      item i
      JOIN account a USING (user_id)
      JOIN purse p USING (user_id)
    WHERE
      NOT a.to_roll
      AND NOT a.limited
  ),
  sorted AS (
    SELECT
      *,
      coalesce(
        min(n) FILTER (
          WHERE
            used_after > reach
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
      own_end,
      greatest(0, used_after - cost - own_end) AS drawn_before,
      greatest(0, used_after - own_end) AS drawn_after,
      CASE
        WHEN NOT active THEN 'suspended'
        WHEN n < first_misfit THEN 'admitted'
        WHEN NOT shadow
        AND used_then + cost > reach THEN 'over-quota'
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
      t.requests_now,
      t.spent_now,
      greatest(0, t.spent_now - p.own_end - p.granted) AS overage_now
    FROM
      (
        SELECT
          user_id,
          least(max(used_after), max(own_end))::integer AS used_now,
          max(used_after) AS spent_now,
          count(*)::integer AS requests_now
        FROM
          verdict
        WHERE
          outcome = 'admitted'
        GROUP BY
          user_id
      ) t
      JOIN account a USING (user_id)
      JOIN purse p USING (user_id)
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
      END,
      quota_overage_today = CASE
        WHEN t.overage_now > 0 THEN t.overage_used + t.overage_now
        ELSE u.quota_overage_today
      END::integer,
      quota_overage_date = CASE
        WHEN t.overage_now > 0 THEN t.day
        ELSE u.quota_overage_date
      END,
      quota_overage_fold = CASE
        WHEN t.overage_now > 0 THEN t.fold
        ELSE u.quota_overage_fold
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
      least(v.used_then, v.own_end),
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
        drawn_units
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
      least(v.used_after, v.own_end),
      i.payload,
      CASE
        WHEN i.status <> 'pending' THEN now()
      END,
      CASE
        WHEN i.status = 'succeeded' THEN now()
      END,
      CASE
        WHEN i.shadow THEN i.cost
        ELSE v.drawn_after - v.drawn_before
      END
    FROM
      verdict v
      JOIN item i USING (n)
    WHERE
      v.outcome = 'admitted'
  ),
  draw AS MATERIALIZED (
    SELECT
      v.n,
      s.source,
      s.grant_id,
      (i.cost - v.drawn_after + greatest(v.drawn_before, s.begins))::integer AS begins,
      (least(v.drawn_after, s.ends) - greatest(v.drawn_before, s.begins))::integer AS units
    FROM
      verdict v
      JOIN item i USING (n)
      JOIN source s ON s.user_id = v.user_id
    WHERE
      v.outcome = 'admitted'
      AND NOT i.shadow
      AND s.begins < v.drawn_after
      AND s.ends > v.drawn_before
  ),
  drawn AS (
    UPDATE quota_grants g
    SET
      used = g.used + d.units
    FROM
      (
        SELECT
          grant_id,
          sum(units)::integer AS units
        FROM
          draw
        WHERE
          grant_id IS NOT NULL
        GROUP BY
          grant_id
      ) d
    WHERE
      g.id = d.grant_id
  ),
  overage_noted AS (
    INSERT INTO
      quota_overage (user_id, date, fold, units)
    SELECT
      user_id,
      day,
      fold,
      overage_now::integer
    FROM
      total
    WHERE
      overage_now > 0
    ON CONFLICT (user_id, date, fold) DO UPDATE
    SET
      units = least(2147483647, quota_overage.units::bigint + excluded.units)
  ),
  overage_begun AS (
    INSERT INTO
      events (type, user_id, data)
    SELECT
      'quota.overage-begun',
      t.user_id,
      jsonb_build_object(
        'date',
        t.day,
        'overage',
        t.overage_now,
        'limit',
        t.quota,
        'used',
        t.used_now,
        'tier',
        t.tier,
        'timeZone',
        t.period_zone,
        'resetsAt',
        to_char(
          quota_period_end (t.day, t.period_zone, t.zone) AT TIME ZONE 'UTC',
          'YYYY-MM-DD"T"HH24":"MI":"SS.MS"Z"'
        )
      )
    FROM
      total t
    WHERE
      t.overage_now > 0
      AND t.overage_used = 0
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
            l.user_id IN (0, t.user_id)
            AND l.type IN ('quota.overage-begun', 'quota.*', '*')
          LIMIT
            1
        ),
        false
      )
    ORDER BY
      t.user_id
  ),
  draws_recorded AS (
    INSERT INTO
      request_draws (request_id, begins, units, source, grant_id)
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
      d.begins,
      d.units,
      d.source,
      d.grant_id
    FROM
      draw d
      JOIN item i USING (n)
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
      WHEN a.to_roll THEN 'needs-close-out'
      WHEN a.limited THEN 'needs-limits'
    END
  ) AS outcome,
  least(
    coalesce(
      CASE
        WHEN v.outcome = 'admitted' THEN v.used_after
        ELSE v.used_then
      END,
      t.spent_now,
      a.used
    ),
    p.own_end
  )::integer AS used,
  greatest(
    0,
    p.granted - greatest(
      0,
      coalesce(
        CASE
          WHEN v.outcome = 'admitted' THEN v.used_after
          ELSE v.used_then
        END,
        t.spent_now,
        a.used
      ) - p.own_end
    )
  )::float8 AS granted,
  (
    p.overage - greatest(
      0,
      coalesce(
        CASE
          WHEN v.outcome = 'admitted' THEN v.used_after
          ELSE v.used_then
        END,
        t.spent_now,
        a.used
      ) - p.own_end - p.granted
    )
  )::float8 AS beyond,
  a.forms,
  p.shadow,
  w.draws,
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
  LEFT JOIN purse p ON p.user_id = i.user_id
  LEFT JOIN (
    SELECT
      d.n,
      json_agg(
        json_build_object('source', d.source, 'grantId', d.grant_id, 'units', d.units)
        ORDER BY
          d.begins
      ) AS draws
    FROM
      draw d
    GROUP BY
      d.n
  ) w ON w.n = i.n
ORDER BY
  i.n
