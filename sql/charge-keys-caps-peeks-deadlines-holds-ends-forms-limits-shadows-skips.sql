-- charge keys caps peeks deadlines holds ends forms limits shadows skips
WITH
  item AS MATERIALIZED (
    SELECT
      i.*,
      k.*
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
          deadline_seconds integer,
          hold_seconds integer,
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
        deadline_at,
        deadline_seconds,
        hold_seconds,
        shadow,
        shadow_code,
        n
      )
      LEFT JOIN LATERAL (
        SELECT
          m.request_id AS answered_by,
          m.fingerprint = decode(i.fingerprint, 'hex') AS same_body,
          m.created_at <= now() - make_interval(hours => $2) AS outlived
        FROM
          idempotency_keys m
        WHERE
          m.user_id = i.user_id
          AND m.scope = i.scope
          AND m.key = i.key
        OFFSET
          0
      ) k ON true
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
      l.max_in_flight
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
          u.id = ANY ($3::integer[])
          AND u.status <> 'deleted'
        ORDER BY
          u.id
        FOR NO KEY UPDATE
          SKIP LOCKED
      ) l
    UNION ALL
    SELECT
      (p.q).*,
      CASE
        WHEN (p.q).unlimited THEN 2147483647
        ELSE (p.q).quota
      END AS ceiling,
      false AS locked,
      p.active,
      (
        p.quota_forms
        OR coalesce(
          jsonb_typeof(
            (
              SELECT
                quota_plans ()
            ) -> (p.q).tier::text -> 5
          ) = 'object',
          false
        )
      ) AS forms,
      p.quota_reset_date,
      p.api_quota_used_today,
      p.api_quota_refunded_today,
      p.api_quota_requests_today,
      CASE
        WHEN (p.quota_overage_date, p.quota_overage_fold) = ((p.q).day, (p.q).fold) THEN p.quota_overage_today
        ELSE 0
      END AS overage_used,
      (
        (p.q).closed
        AND coalesce(
          (
            SELECT
              quota_plans ()
          ) -> p.subscription_tier::text -> 5 ? 'rollover',
          false
        )
      ) AS to_roll,
      p.max_in_flight
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
          u.id = ANY ($4::integer[])
          AND u.status <> 'deleted'
        OFFSET
          0
      ) p
  ),
  cap AS MATERIALIZED (
    SELECT
      l.id,
      l.daily_cap,
      CASE
        WHEN l.counts THEN l.cap_used_today
        ELSE 0
      END AS used,
      CASE
        WHEN l.counts THEN l.cap_reset_date
        ELSE (l.q).day
      END AS day,
      CASE
        WHEN l.counts THEN l.cap_reset_fold
        ELSE (l.q).fold
      END AS fold
    FROM
      (
        SELECT
          k.id,
          k.daily_cap,
          k.cap_used_today,
          k.cap_reset_date,
          k.cap_reset_fold,
          o.q,
          (k.cap_reset_date, k.cap_reset_fold) >= ((o.q).day, (o.q).fold) AS counts
        FROM
          api_keys k
          CROSS JOIN LATERAL (
            SELECT
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
              ) AS q
            FROM
              users u
            WHERE
              u.id = k.user_id
            OFFSET
              0
          ) o
        WHERE
          k.id = ANY (
            ARRAY(
              SELECT
                key_id
              FROM
                item
              WHERE
                capped
            )
          )
          AND k.daily_cap IS NOT NULL
        ORDER BY
          k.id
        FOR NO KEY UPDATE OF
          k SKIP LOCKED
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
          SKIP LOCKED
      ) l
    UNION ALL
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
            NOT locked
            AND forms
        )
      )
      AND g.revoked_at IS NULL
      AND coalesce(g.expires_at > now(), true)
      AND g.used < g.units
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
  flight AS MATERIALIZED (
    SELECT
      a.user_id,
      f.*
    FROM
      account a
      CROSS JOIN LATERAL (
        SELECT
          (
            SELECT
              quota_plans ()
          ) -> a.tier::text -> 5 AS plan
      ) p
      CROSS JOIN LATERAL quota_in_flight (
        a.user_id,
        coalesce(a.max_in_flight, (p.plan ->> 'maxInFlight')::integer),
        p.plan -> 'maxInFlightByType'
      ) f
    WHERE
      a.locked
      AND a.forms
      AND (
        a.max_in_flight IS NOT NULL
        OR p.plan ?| ARRAY['maxInFlight', 'maxInFlightByType']
      )
  ),
  bound AS MATERIALIZED (
    SELECT
      a.user_id,
      l.*
    FROM
      account a
      CROSS JOIN LATERAL (
        SELECT
          (
            SELECT
              quota_plans ()
          ) -> a.tier::text -> 5 -> 'limits' AS limits
      ) p
      CROSS JOIN LATERAL quota_limits_of (a.user_id, p.limits, a.zone) l
    WHERE
      a.forms
      AND p.limits IS NOT NULL
  ),
  busy AS MATERIALIZED (
    SELECT
      i.n
    FROM
      item i
      JOIN users u ON u.id = i.user_id
    WHERE
      u.status <> 'deleted'
      AND NOT EXISTS (
        SELECT
        FROM
          account a
        WHERE
          a.user_id = i.user_id
      )
    UNION
    SELECT
      i.n
    FROM
      item i
      JOIN api_keys k ON k.id = i.key_id
    WHERE
      i.capped
      AND k.daily_cap IS NOT NULL
      AND NOT EXISTS (
        SELECT
        FROM
          cap c
        WHERE
          c.id = i.key_id
      )
    UNION
    SELECT
      i.n
    FROM
      item i
      JOIN account a USING (user_id)
      JOIN quota_grants g USING (user_id)
    WHERE
      a.forms
      AND a.locked
      AND g.revoked_at IS NULL
      AND coalesce(g.expires_at > now(), true)
      AND g.used < g.units
      AND NOT EXISTS (
        SELECT
        FROM
          held_grant h
        WHERE
          h.id = g.id
      )
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
      c.daily_cap,
      c.used AS cap_before,
      c.used + sum(i.cost) OVER (
        PARTITION BY
          i.user_id,
          c.id
        ORDER BY
          i.n
      ) AS cap_after,
      p.own_end,
      p.own_end + p.granted + p.overage AS reach,
      i.type,
      CASE
        WHEN i.status = 'succeeded'
        OR i.shadow THEN 0
        ELSE i.cost
      END AS flying,
      f.ceiling AS flight_max,
      f.used AS flight_before,
      f.used + sum(
        CASE
          WHEN i.status = 'succeeded'
          OR i.shadow THEN 0
          ELSE i.cost
        END
      ) OVER (
        PARTITION BY
          i.user_id
        ORDER BY
          i.n
      ) AS flight_after,
      g.ceiling AS type_max,
      g.used AS type_before,
      g.used + sum(
        CASE
          WHEN i.status = 'succeeded'
          OR i.shadow THEN 0
          ELSE i.cost
        END
      ) OVER (
        PARTITION BY
          i.user_id,
          i.type
        ORDER BY
          i.n
      ) AS type_after
    FROM
      item i
      JOIN account a USING (user_id)
      JOIN purse p USING (user_id)
      LEFT JOIN flight f ON f.user_id = i.user_id
      AND f.type IS NULL
      LEFT JOIN flight g ON g.user_id = i.user_id
      AND g.type = i.type
      LEFT JOIN cap c ON c.id = i.key_id
      AND i.capped
    WHERE
      NOT a.to_roll
      AND (
        i.answered_by IS NULL
        OR i.outlived
      )
      AND NOT EXISTS (
        SELECT
        FROM
          busy b
        WHERE
          b.n = i.n
      )
  ),
  bound_running AS MATERIALIZED (
    SELECT
      r.n,
      r.user_id,
      r.cost,
      r.shadow,
      b.n AS limit_n,
      b.units AS ceiling,
      b.used AS before,
      b.used + sum(
        CASE
          WHEN r.shadow THEN 0
          ELSE r.cost
        END
      ) OVER (
        PARTITION BY
          r.user_id,
          b.n
        ORDER BY
          r.n
      ) AS after
    FROM
      running r
      JOIN bound b ON b.user_id = r.user_id
      AND (
        b.types IS NULL
        OR b.types ? r.type::text
      )
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
            OR flying > 0
            AND (
              flight_after > flight_max
              OR type_after > type_max
            )
            OR n IN (
              SELECT
                o.n
              FROM
                bound_running o
              WHERE
                NOT o.shadow
                AND o.after > o.ceiling
            )
        ) OVER (
          PARTITION BY
            user_id
        ),
        2147483647
      ) AS first_misfit
    FROM
      running
  ),
  bound_settled AS MATERIALIZED (
    SELECT
      b.*,
      s.first_misfit,
      coalesce(
        max(b.after) FILTER (
          WHERE
            b.n < s.first_misfit
        ) OVER (
          PARTITION BY
            b.user_id,
            b.limit_n
        ),
        b.before
      ) AS used_then
    FROM
      bound_running b
      JOIN sorted s USING (n)
  ),
  bound_answer AS MATERIALIZED (
    SELECT
      s.n,
      bool_or(
        NOT s.shadow
        AND s.n >= s.first_misfit
        AND s.used_then + s.cost > s.ceiling
      ) AS over,
      json_agg(
        json_build_object(
          'name',
          b.name,
          'limit',
          b.units,
          'used',
          CASE
            WHEN s.n < s.first_misfit THEN s.after
            ELSE s.used_then
          END,
          'startsAt',
          (
            extract(
              epoch
              FROM
                b.starts_at
            ) * 1000
          )::float8,
          'endsAt',
          (
            extract(
              epoch
              FROM
                b.ends_at
            ) * 1000
          )::float8,
          'over',
          NOT s.shadow
          AND s.n >= s.first_misfit
          AND s.used_then + s.cost > s.ceiling
        )
        ORDER BY
          b.n
      ) AS limits,
      jsonb_agg(
        jsonb_build_object('name', b.name, 'period', b.period, 'starts_at', b.starts_at)
        ORDER BY
          b.n
      ) FILTER (
        WHERE
          NOT s.shadow
      ) AS charged
    FROM
      bound_settled s
      JOIN bound b ON b.user_id = s.user_id
      AND b.n = s.limit_n
    GROUP BY
      s.n
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
      coalesce(
        max(cap_after) FILTER (
          WHERE
            n < first_misfit
        ) OVER (
          PARTITION BY
            user_id,
            key_id
        ),
        cap_before
      ) AS cap_then,
      coalesce(
        max(flight_after) FILTER (
          WHERE
            n < first_misfit
        ) OVER (
          PARTITION BY
            user_id
        ),
        flight_before
      ) AS flight_then,
      coalesce(
        max(type_after) FILTER (
          WHERE
            n < first_misfit
        ) OVER (
          PARTITION BY
            user_id,
            type
        ),
        type_before
      ) AS type_then
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
        WHEN flight_then + flying > flight_max THEN json_build_object('type', NULL, 'max', flight_max, 'used', flight_then)
        WHEN type_then + flying > type_max THEN json_build_object('type', type, 'max', type_max, 'used', type_then)
      END AS flight,
      CASE
        WHEN NOT active THEN 'suspended'
        WHEN n < first_misfit THEN 'admitted'
        WHEN NOT shadow
        AND used_then + cost > reach THEN 'over-quota'
        WHEN cap_then + cost > daily_cap THEN 'over-cap'
        WHEN n IN (
          SELECT
            o.n
          FROM
            bound_answer o
          WHERE
            o.over
        ) THEN 'over-limit'
        WHEN flying > 0
        AND (
          flight_then + flying > flight_max
          OR type_then + flying > type_max
        ) THEN 'over-in-flight'
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
      CROSS JOIN unnest($5::bigint[]) AS h (share)
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
  capped AS (
    UPDATE api_keys k
    SET
      cap_used_today = s.used,
      cap_reset_date = c.day,
      cap_reset_fold = c.fold
    FROM
      (
        SELECT
          key_id,
          max(cap_after)::integer AS used
        FROM
          verdict
        WHERE
          outcome = 'admitted'
          AND daily_cap IS NOT NULL
        GROUP BY
          key_id
      ) s
      JOIN cap c ON c.id = s.key_id
    WHERE
      k.id = s.key_id
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
        deadline_at,
        attempt,
        lease_expires_at,
        held,
        drawn_units,
        counts_in_flight,
        limits_charged
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
      coalesce(i.deadline_at, now() + make_interval(secs => i.deadline_seconds)),
      (i.hold_seconds IS NOT NULL)::integer,
      now() + make_interval(secs => i.hold_seconds),
      i.hold_seconds IS NOT NULL,
      CASE
        WHEN i.shadow THEN i.cost
        ELSE v.drawn_after - v.drawn_before
      END,
      NOT i.shadow
      AND EXISTS (
        SELECT
        FROM
          flight f
        WHERE
          f.user_id = i.user_id
          AND coalesce(f.type = i.type, true)
      ),
      o.charged
    FROM
      verdict v
      JOIN item i USING (n)
      LEFT JOIN bound_answer o USING (n)
    WHERE
      v.outcome = 'admitted'
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
  bound_charged AS (
    INSERT INTO
      quota_limit_usage (user_id, name, period, starts_at, ends_at, used)
    SELECT
      b.user_id,
      b.name,
      b.period,
      b.starts_at,
      b.ends_at,
      sum(s.cost)::integer
    FROM
      verdict v
      JOIN bound_settled s USING (n)
      JOIN bound b ON b.user_id = s.user_id
      AND b.n = s.limit_n
    WHERE
      v.outcome = 'admitted'
      AND NOT s.shadow
    GROUP BY
      1,
      2,
      3,
      4,
      5
    ORDER BY
      1,
      2,
      3
    ON CONFLICT (user_id, name, period, starts_at) DO UPDATE
    SET
      used = quota_limit_usage.used + excluded.used
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
    UNION ALL
    SELECT
      v.n,
      'shadow',
      NULL,
      0,
      i.cost
    FROM
      verdict v
      JOIN item i USING (n)
    WHERE
      v.outcome = 'admitted'
      AND i.shadow
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
  shadow_noted AS (
    INSERT INTO
      quota_overage (user_id, date, fold, units, shadow_requests, shadow_units)
    SELECT
      v.user_id,
      v.day,
      v.fold,
      0,
      count(*)::integer,
      sum(i.cost)
    FROM
      verdict v
      JOIN item i USING (n)
    WHERE
      v.outcome = 'admitted'
      AND i.shadow
    GROUP BY
      1,
      2,
      3
    ON CONFLICT (user_id, date, fold) DO UPDATE
    SET
      shadow_requests = quota_overage.shadow_requests + excluded.shadow_requests,
      shadow_units = quota_overage.shadow_units + excluded.shadow_units
  ),
  shadow_reported AS (
    INSERT INTO
      events (type, user_id, data)
    SELECT
      'quota.shadow-refused',
      v.user_id,
      jsonb_build_object(
        'requestId',
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
        'type',
        i.type,
        'requested',
        i.cost,
        'code',
        i.shadow_code,
        'date',
        v.day,
        'limit',
        a.quota,
        'used',
        least(v.used_after, v.own_end),
        'tier',
        a.tier
      )
    FROM
      verdict v
      JOIN item i USING (n)
      JOIN account a ON a.user_id = v.user_id
    WHERE
      v.outcome = 'admitted'
      AND i.shadow
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
            l.user_id IN (0, v.user_id)
            AND l.type IN ('quota.shadow-refused', 'quota.*', '*')
          LIMIT
            1
        ),
        false
      )
    ORDER BY
      v.n
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
  ),
  forgotten AS (
    DELETE FROM idempotency_keys k USING verdict v
    JOIN item i USING (n)
    WHERE
      v.outcome = 'admitted'
      AND i.outlived
      AND k.user_id = i.user_id
      AND k.scope = i.scope
      AND k.key = i.key
    RETURNING
      k.key
  ),
  remembered AS (
    INSERT INTO
      idempotency_keys (user_id, scope, key, fingerprint, request_id, request_status, request_cost, charged_on, deadline_at)
    SELECT
      i.user_id,
      i.scope,
      i.key,
      decode(i.fingerprint, 'hex'),
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
      i.status,
      i.cost,
      v.day,
      coalesce(i.deadline_at, now() + make_interval(secs => i.deadline_seconds))
    FROM
      verdict v
      JOIN item i USING (n)
    WHERE
      v.outcome = 'admitted'
      AND i.key IS NOT NULL
      AND (
        SELECT
          count(*)
        FROM
          forgotten
      ) >= 0
  )
SELECT
  CASE
    WHEN v.outcome = 'admitted' THEN (
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
    )::uuid
    ELSE i.answered_by
  END AS id,
  coalesce(
    v.outcome,
    CASE
      WHEN EXISTS (
        SELECT
        FROM
          busy b
        WHERE
          b.n = i.n
      ) THEN 'busy'
      WHEN a.user_id IS NULL THEN 'no-user'
      WHEN a.to_roll THEN 'needs-close-out'
      WHEN i.same_body THEN 'replayed'
      ELSE 'key-reused'
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
  v.flight,
  coalesce(
    o.limits,
    (
      SELECT
        json_agg(
          json_build_object(
            'name',
            b.name,
            'limit',
            b.units,
            'startsAt',
            (
              extract(
                epoch
                FROM
                  b.starts_at
              ) * 1000
            )::float8,
            'endsAt',
            (
              extract(
                epoch
                FROM
                  b.ends_at
              ) * 1000
            )::float8,
            'used',
            b.used + coalesce(
              (
                SELECT
                  sum(s.cost)
                FROM
                  bound_settled s
                  JOIN verdict w USING (n)
                WHERE
                  w.outcome = 'admitted'
                  AND NOT s.shadow
                  AND s.user_id = b.user_id
                  AND s.limit_n = b.n
              ),
              0
            )
          )
          ORDER BY
            b.n
        )
      FROM
        bound b
      WHERE
        v.n IS NULL
        AND b.user_id = i.user_id
        AND (
          b.types IS NULL
          OR b.types ? i.type::text
        )
    )
  ) AS limits,
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
  LEFT JOIN bound_answer o ON o.n = i.n
ORDER BY
  i.n
