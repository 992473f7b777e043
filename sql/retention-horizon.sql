-- retention horizon
SELECT
  (
    lpad(
      to_hex(
        floor(
          extract(
            epoch
            FROM
              now() - make_interval(days => $1)
          ) * 1000
        )::bigint
      ),
      12,
      '0'
    ) || '00000000000000000000'
  )::uuid::text AS id
