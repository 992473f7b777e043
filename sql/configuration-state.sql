-- configuration-state
SELECT
  c.key,
  c.value,
  c.schema,
  c.description,
  c.unit,
  c.visibility,
  c.overridable,
  c.bounds,
  c.version,
  c.updated_by AS "updatedBy",
  c.created_at AS "createdAt",
  c.updated_at AS "updatedAt",
  k.key AS name,
  (
    SELECT
      max(v.version)
    FROM
      system_configuration_versions v
    WHERE
      v.key = k.key
  ) AS latest,
  EXISTS (
    SELECT
    FROM
      system_configuration_changes h
    WHERE
      h.key = k.key
      AND status = 'approved'
      AND (
        effective_at IS NULL
        OR effective_at <= clock_timestamp()
      )
  ) AS due
FROM
  (
    SELECT
      $1::varchar AS key
  ) k
  LEFT JOIN system_configurations c ON c.key = k.key
