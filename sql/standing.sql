-- standing
WITH
  account AS (
    SELECT
      u.id,
      u.status,
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
      CASE
        WHEN u.quota_forms THEN (
          SELECT
            coalesce(sum(g.units - g.used), 0)
          FROM
            quota_grants g
          WHERE
            g.user_id = u.id
            AND g.revoked_at IS NULL
            AND coalesce(g.expires_at > now(), true)
            AND g.used < g.units
        )
        ELSE 0
      END::float8 AS granted,
      CASE
        WHEN u.quota_forms THEN (
          SELECT
            o.overage
          FROM
            user_quota_forms o
          WHERE
            o.user_id = u.id
        )
      END AS own_overage,
      CASE
        WHEN u.quota_forms THEN (
          SELECT
            o.shadow
          FROM
            user_quota_forms o
          WHERE
            o.user_id = u.id
        )
      END AS own_shadow,
      u.quota_overage_today,
      u.quota_overage_date,
      u.quota_overage_fold,
      u.subscription_tier
    FROM
      users u
    WHERE
      u.id = ANY ($1::integer[])
      AND u.status <> 'deleted'
    OFFSET
      0
  )
SELECT
  a.id AS "userId",
  a.status = 'active' AS active,
  (a.q).used,
  a.granted,
  (
    CASE
      WHEN o.overage IS NULL THEN 0
      ELSE greatest(
        0,
        CASE coalesce(jsonb_typeof(o.overage -> 'max'), 'null')
          WHEN 'null' THEN 2147483647
          WHEN 'number' THEN least((o.overage ->> 'max')::numeric, 2147483647)::bigint
          ELSE 0
        END - CASE
          WHEN (a.quota_overage_date, a.quota_overage_fold) = ((a.q).day, (a.q).fold) THEN a.quota_overage_today
          ELSE 0
        END
      )
    END
  )::float8 AS beyond,
  (
    (a.q).closed
    AND coalesce(
      (
        SELECT
          quota_plans ()
      ) -> a.subscription_tier::text -> 5 ? 'rollover',
      false
    )
  ) AS "toRoll",
  coalesce(
    a.own_shadow,
    (
      (
        SELECT
          quota_plans ()
      ) -> (a.q).tier::text -> 5 ->> 'shadow'
    )::boolean,
    false
  ) AS shadow,
  CASE
    WHEN (
      SELECT
        quota_plans ()
    ) -> (a.q).tier::text -> 5 -> 'limits' IS NOT NULL THEN (
      SELECT
        json_agg(
          json_build_object(
            'name',
            l.name,
            'period',
            l.period,
            'types',
            l.types,
            'limit',
            l.units,
            'used',
            l.used,
            'startsAt',
            (
              extract(
                epoch
                FROM
                  l.starts_at
              ) * 1000
            )::float8,
            'endsAt',
            (
              extract(
                epoch
                FROM
                  l.ends_at
              ) * 1000
            )::float8
          )
          ORDER BY
            l.n
        )
      FROM
        quota_limits_of (
          a.id,
          (
            SELECT
              quota_plans ()
          ) -> (a.q).tier::text -> 5 -> 'limits',
          (a.q).zone
        ) l
    )
  END AS limits,
  (a.q).unlimited,
  (a.q).quota,
  (a.q).tier,
  (a.q).zone,
  (a.q).day::text,
  (a.q).period_zone AS "periodZone",
  floor(
    extract(
      epoch
      FROM
        now()
    ) * 1000
  )::float8 AS now
FROM
  account a
  CROSS JOIN LATERAL (
    SELECT
      coalesce(
        a.own_overage,
        (
          SELECT
            quota_plans ()
        ) -> (a.q).tier::text -> 5 -> 'overage'
      ) AS overage
  ) o
