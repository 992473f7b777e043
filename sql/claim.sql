-- claim
WITH RECURSIVE
  kind AS MATERIALIZED (
    SELECT
      *
    FROM
      ROWS
    FROM
      (json_to_recordset($1) AS (type text, max_attempts integer, concurrency integer)) WITH ORDINALITY AS k (type, max_attempts, concurrency, n)
  ),
  oldest AS MATERIALIZED (
    SELECT
      w.*
    FROM
      kind k
      CROSS JOIN LATERAL (
        SELECT
          w.id,
          w.type,
          w.user_id,
          w.created_at
        FROM
          requests w
        WHERE
          w.type = k.type
          AND w.status = 'pending'
          AND w.available_at IS NULL
          AND (
            w.deadline_at IS NULL
            OR w.deadline_at > now()
          )
        ORDER BY
          w.created_at
        LIMIT
          $4
      ) w
  ),
  waiting_user (type, user_id) AS (
    SELECT
      k.type,
      coalesce(
        (
          SELECT
            w.user_id
          FROM
            requests w
          WHERE
            w.type = k.type
            AND w.status = 'pending'
            AND w.available_at IS NULL
            AND w.user_id >= (
              SELECT
                floor($5::float8 * max(u.id))::integer
              FROM
                users u
            )
          ORDER BY
            w.user_id
          LIMIT
            1
        ),
        (
          SELECT
            w.user_id
          FROM
            requests w
          WHERE
            w.type = k.type
            AND w.status = 'pending'
            AND w.available_at IS NULL
          ORDER BY
            w.user_id
          LIMIT
            1
        )
      )
    FROM
      kind k
    WHERE
      (
        SELECT
          count(*)
        FROM
          oldest o
        WHERE
          o.type = k.type
      ) >= $4
    UNION
    SELECT
      t.type,
      coalesce(
        (
          SELECT
            w.user_id
          FROM
            requests w
          WHERE
            w.type = t.type
            AND w.status = 'pending'
            AND w.available_at IS NULL
            AND w.user_id > t.user_id
          ORDER BY
            w.user_id
          LIMIT
            1
        ),
        (
          SELECT
            w.user_id
          FROM
            requests w
          WHERE
            w.type = t.type
            AND w.status = 'pending'
            AND w.available_at IS NULL
          ORDER BY
            w.user_id
          LIMIT
            1
        )
      )
    FROM
      waiting_user t
    WHERE
      t.user_id IS NOT NULL
  ),
  other_user AS MATERIALIZED (
    SELECT
      t.type,
      t.user_id
    FROM
      waiting_user t
    WHERE
      t.user_id IS NOT NULL
    LIMIT
      64
  ),
  candidate AS (
    SELECT
      id,
      type,
      user_id,
      created_at
    FROM
      oldest
    UNION
    SELECT
      w.*
    FROM
      other_user o
      CROSS JOIN LATERAL (
        SELECT
          w.id,
          w.type,
          w.user_id,
          w.created_at
        FROM
          requests w
        WHERE
          w.type = o.type
          AND w.user_id = o.user_id
          AND w.status = 'pending'
          AND w.available_at IS NULL
          AND (
            w.deadline_at IS NULL
            OR w.deadline_at > now()
          )
        ORDER BY
          w.created_at
        LIMIT
          (
            SELECT
              greatest(1, ceil($2::integer::float8 / count(*)))::integer
            FROM
              other_user
          )
      ) w
    UNION
    SELECT
      w.*
    FROM
      kind k
      CROSS JOIN LATERAL (
        SELECT
          w.id,
          w.type,
          w.user_id,
          w.created_at
        FROM
          requests w
        WHERE
          w.type = k.type
          AND w.status = 'pending'
          AND w.available_at IS NOT NULL
          AND w.available_at <= now()
          AND (
            w.deadline_at IS NULL
            OR w.deadline_at > now()
          )
          AND w.user_id <> ALL (
            ARRAY(
              SELECT
                user_id
              FROM
                user_removals
            )
          )
        ORDER BY
          w.available_at
        LIMIT
          $4
      ) w
    UNION
    SELECT
      w.*
    FROM
      kind k
      CROSS JOIN LATERAL (
        SELECT
          w.id,
          w.type,
          w.user_id,
          w.created_at
        FROM
          requests w
        WHERE
          w.type = k.type
          AND w.status = 'processing'
          AND w.lease_expires_at <= now()
          AND NOT w.held
          AND w.cancel_requested_at IS NULL
          AND w.attempt < w.max_attempts
          AND (
            w.deadline_at IS NULL
            OR w.deadline_at > now()
          )
          AND w.user_id <> ALL (
            ARRAY(
              SELECT
                user_id
              FROM
                user_removals
            )
          )
        ORDER BY
          w.lease_expires_at
        LIMIT
          $4
      ) w
  ),
  busy AS MATERIALIZED (
    SELECT
      w.type,
      w.user_id,
      count(*) AS count
    FROM
      kind k
      JOIN requests w ON w.type = k.type
    WHERE
      k.concurrency IS NOT NULL
      AND w.status = 'processing'
      AND w.lease_expires_at > now()
      AND NOT w.held
    GROUP BY
      1,
      2
  ),
  ranked AS (
    SELECT
      c.id,
      c.created_at,
      c.place,
      c.place + coalesce(l.lead, 0) AS rank,
      k.concurrency - coalesce(b.count, 0) AS room
    FROM
      (
        SELECT
          *,
          row_number() OVER (
            PARTITION BY
              type,
              user_id
            ORDER BY
              created_at,
              id
          ) AS place
        FROM
          candidate
        WHERE
          user_id <> ALL (
            ARRAY(
              SELECT
                user_id
              FROM
                user_removals
            )
          )
      ) c
      JOIN kind k USING (type)
      LEFT JOIN busy b USING (type, user_id)
      LEFT JOIN unnest($6::integer[], $7::integer[], $8::integer[]) AS l (n, user_id, lead) ON l.n = k.n
      AND l.user_id = c.user_id
  ),
  chosen AS MATERIALIZED (
    SELECT
      id,
      rank,
      created_at
    FROM
      ranked
    WHERE
      room IS NULL
      OR place <= room
    ORDER BY
      rank,
      created_at,
      id
    LIMIT
      $2::integer * 2 + 16
  ),
  taken AS MATERIALIZED (
    SELECT
      w.id,
      c.rank,
      w.type,
      w.status,
      w.attempt,
      w.started_at,
      w.created_at
    FROM
      chosen c
      JOIN requests w ON w.id = c.id
      AND w.id = ANY (
        ARRAY(
          SELECT
            id
          FROM
            chosen
        )
      )
    WHERE
      (
        w.status = 'pending'
        AND coalesce(w.available_at <= now(), true)
      )
      OR (
        w.status = 'processing'
        AND w.lease_expires_at <= now()
        AND NOT w.held
        AND w.cancel_requested_at IS NULL
        AND w.attempt < w.max_attempts
      )
    ORDER BY
      c.rank,
      c.created_at,
      c.id
    LIMIT
      $2::integer
    FOR NO KEY UPDATE OF
      w SKIP LOCKED
  ),
  lost AS (
    INSERT INTO
      request_attempts (request_id, attempt, outcome, started_at)
    SELECT
      id,
      attempt,
      'lost',
      coalesce(started_at, created_at)
    FROM
      taken
    WHERE
      status = 'processing'
  ),
  claimed AS (
    UPDATE requests w
    SET
      status = 'processing',
      attempt = w.attempt + 1,
      max_attempts = greatest(k.max_attempts, w.attempt + 1),
      available_at = NULL,
      lease_expires_at = least(now() + make_interval(secs => $3), w.deadline_at),
      started_at = now(),
      updated_at = now()
    FROM
      taken t
      JOIN kind k USING (type)
    WHERE
      w.id = t.id
    RETURNING
      w.*,
      t.rank
  )
SELECT
  (
    SELECT
      count(*)
    FROM
      chosen
  ) > 0,
  array_to_string(
    ARRAY(
      (
        SELECT
          w.id
        FROM
          requests w
        WHERE
          w.status = 'pending'
          AND w.deadline_at <= now()
        LIMIT
          100
      )
      UNION ALL
      (
        SELECT
          w.id
        FROM
          kind k
          JOIN requests w ON w.type = k.type
        WHERE
          w.status = 'processing'
          AND w.lease_expires_at <= now()
          AND (
            NOT w.held
            AND w.cancel_requested_at IS NULL
            AND w.attempt < w.max_attempts
            AND (
              w.deadline_at IS NULL
              OR w.deadline_at > now()
            )
          ) IS NOT TRUE
        LIMIT
          100
      )
    ),
    ' '
  ),
  CASE
    WHEN r.id IS NULL THEN (
      SELECT
        (
          extract(
            epoch
            FROM
              min(at) - now()
          ) * 1000
        )::float8
      FROM
        kind k
        CROSS JOIN LATERAL (
          (
            SELECT
              w.available_at AS at
            FROM
              requests w
            WHERE
              w.type = k.type
              AND w.status = 'pending'
              AND w.available_at IS NOT NULL
            ORDER BY
              w.available_at
            LIMIT
              1
          )
          UNION ALL
          (
            SELECT
              w.lease_expires_at
            FROM
              requests w
            WHERE
              w.type = k.type
              AND w.status = 'processing'
              AND w.lease_expires_at > now()
            ORDER BY
              w.lease_expires_at
            LIMIT
              1
          )
        ) n
    )
  END,
  r.id,
  r.type,
  r.user_id,
  concat(
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
    ',"leaseExpiresAt":',
    coalesce(to_char(r.lease_expires_at AT TIME ZONE 'UTC', '\"YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\"'), 'null'),
    '}'
  )
FROM
  (
    SELECT
  ) one
  LEFT JOIN claimed r ON true
ORDER BY
  r.rank,
  r.created_at,
  r.id
