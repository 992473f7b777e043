-- own-configurations
SELECT
  u.id,
  (
    SELECT
      json_agg(
        json_build_array(
          c.key,
          json_build_object(
            'value',
            c.value,
            'version',
            c.version,
            'updatedBy',
            c.updated_by,
            'updatedAt',
            to_char(c.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
          )
        )
      )
    FROM
      user_configurations c
    WHERE
      c.user_id = u.id
  ) AS own
FROM
  users u
WHERE
  u.id = ANY ($1::integer[])
  AND u.status <> 'deleted'
