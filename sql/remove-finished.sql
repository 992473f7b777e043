-- remove finished
WITH
  old AS (
    SELECT
      r.id,
      r.user_id,
      r.charged_on,
      r.charged_fold
    FROM
      requests r
    WHERE
      r.id > $2::uuid
      AND r.id < $3::uuid
      AND r.status IN ('succeeded', 'failed', 'canceled', 'expired')
    ORDER BY
      r.id
    LIMIT
      $1
    FOR UPDATE
      SKIP LOCKED
  ),
  removed AS (
    DELETE FROM requests r USING old o,
    users u
    WHERE
      r.id = o.id
      AND u.id = o.user_id
      AND (o.charged_on, o.charged_fold) < (u.quota_reset_date, u.quota_reset_fold)
    RETURNING
      r.id,
      r.user_id,
      r.charged_on,
      r.charged_fold,
      r.cost,
      r.drawn_units,
      r.refunded_units,
      r.limits_charged
  ),
  noted AS (
    UPDATE quota_usage q
    SET
      removed_used = least(2147483647, q.removed_used + s.used),
      removed_refunded = least(2147483647, q.removed_refunded + s.refunded),
      removed_requests = least(2147483647, q.removed_requests + s.requests)
    FROM
      (
        SELECT
          user_id,
          charged_on,
          sum(r.cost - r.drawn_units - greatest(0, r.refunded_units - r.drawn_units)) AS used,
          sum(greatest(0, r.refunded_units - r.drawn_units)) AS refunded,
          count(*) AS requests
        FROM
          removed r
        GROUP BY
          user_id,
          charged_on
      ) s
    WHERE
      q.user_id = s.user_id
      AND q.date = s.charged_on
  ),
  noted_on_grants AS (
    UPDATE quota_grants g
    SET
      removed_used = least(2147483647, g.removed_used::bigint + s.used)
    FROM
      (
        SELECT
          d.grant_id,
          sum(
            d.units - greatest(0, least(r.cost - 0, d.begins + d.units) - greatest(r.cost - r.refunded_units, d.begins))
          ) AS used
        FROM
          removed r
          JOIN request_draws d ON d.request_id = r.id
        WHERE
          r.drawn_units > 0
          AND d.grant_id IS NOT NULL
        GROUP BY
          d.grant_id
      ) s
    WHERE
      g.id = s.grant_id
  ),
  noted_as_overage AS (
    UPDATE quota_overage o
    SET
      removed_units = least(2147483647, o.removed_units::bigint + s.units)
    FROM
      (
        SELECT
          r.user_id,
          r.charged_on,
          r.charged_fold,
          sum(
            d.units - greatest(0, least(r.cost - 0, d.begins + d.units) - greatest(r.cost - r.refunded_units, d.begins))
          ) AS units
        FROM
          removed r
          JOIN request_draws d ON d.request_id = r.id
        WHERE
          r.drawn_units > 0
          AND d.source = 'overage'
        GROUP BY
          1,
          2,
          3
      ) s
    WHERE
      o.user_id = s.user_id
      AND o.date = s.charged_on
      AND o.fold = s.charged_fold
  ),
  noted_on_limits AS (
    UPDATE quota_limit_usage c
    SET
      removed_used = least(2147483647, c.removed_used::bigint + f.units)
    FROM
      (
        SELECT
          r.user_id,
          l.name,
          l.period,
          l.starts_at,
          sum(r.cost - r.refunded_units) AS units
        FROM
          removed r
          CROSS JOIN LATERAL jsonb_to_recordset(r.limits_charged) AS l (name text, period text, starts_at timestamptz)
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
  )
SELECT
  (
    SELECT
      count(*)
    FROM
      removed
  )::integer AS removed,
  max(id::text) AS last
FROM
  old
