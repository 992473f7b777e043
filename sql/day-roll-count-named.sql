-- day roll count named
WITH
  counted AS (
    SELECT
      count(*)::integer AS users
    FROM
      users u
    WHERE
      u.time_zone = $1::text
  )
SELECT
  users
FROM
  counted
