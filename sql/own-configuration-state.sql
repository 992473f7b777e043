-- own-configuration-state
SELECT
  c.user_id AS "userId",
  c.key,
  c.value,
  c.version,
  c.updated_by AS "updatedBy",
  c.created_at AS "createdAt",
  c.updated_at AS "updatedAt",
  (
    SELECT
      max(version)
    FROM
      user_configuration_versions
    WHERE
      user_id = $1
      AND key = $2
  ) AS latest
FROM
  users u
  LEFT JOIN user_configurations c ON c.user_id = u.id
  AND c.key = $2
WHERE
  u.id = $1
  AND u.status <> 'deleted'
