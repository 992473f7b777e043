-- day roll named
WITH
  clock AS MATERIALIZED (
    SELECT
      z.name AS zone,
      (now() AT TIME ZONE z.name)::date AS today
    FROM
      (
        SELECT
          CASE
            WHEN quota_zone_known ($1::text) THEN $1::text
            ELSE quota_default_zone ()
          END AS name
        OFFSET
          0
      ) z
  ),
  held AS MATERIALIZED (
    SELECT
      u.id,
      u.quota_reset_date AS date,
      CASE
        WHEN NOT u.api_quota_unlimited THEN u.api_quota_daily
      END AS quota,
      u.api_quota_used_today AS used,
      u.api_quota_refunded_today AS refunded,
      u.api_quota_requests_today AS requests
    FROM
      users u
    WHERE
      u.time_zone = $1::text
      AND u.id > $2::integer
      AND u.id <= $3::integer
      AND u.id & ($4::integer - 1) = $5::integer
      AND coalesce(
        u.quota_reset_zone = (
          SELECT
            zone
          FROM
            clock
        ),
        true
      )
      AND u.quota_reset_date < (
        SELECT
          today
        FROM
          clock
      )
      AND u.quota_override_expires_at IS NULL
      AND u.next_subscription_tier IS NULL
      AND NOT coalesce(
        (
          SELECT
            quota_plans ()
        ) ? u.subscription_tier,
        false
      )
    ORDER BY
      u.time_zone,
      u.id
    FOR NO KEY UPDATE
      SKIP LOCKED
  ),
  opened AS (
    UPDATE users u
    SET
      quota_reset_date = (
        SELECT
          today
        FROM
          clock
      ),
      quota_reset_zone = (
        SELECT
          zone
        FROM
          clock
      ),
      quota_reset_fold = 0,
      api_quota_used_today = 0,
      api_quota_refunded_today = 0,
      api_quota_requests_today = 0
    FROM
      held h
    WHERE
      u.id = h.id
    RETURNING
      h.id,
      h.date,
      h.quota,
      h.used,
      h.refunded,
      h.requests
  ),
  archived AS (
    INSERT INTO
      quota_usage (user_id, date, quota, used, refunded, requests)
    SELECT
      o.id,
      o.date,
      o.quota,
      o.used,
      o.refunded,
      o.requests
    FROM
      opened o
    WHERE
      o.requests > 0
      OR o.used > 0
    ON CONFLICT (user_id, date) DO UPDATE
    SET
      used = least(2147483647, quota_usage.used::bigint + excluded.used),
      refunded = least(2147483647, quota_usage.refunded::bigint + excluded.refunded),
      requests = quota_usage.requests + excluded.requests
  )
SELECT
  count(*)::integer AS closed
FROM
  opened
