-- day roll count inherited
WITH
  counted AS (
    SELECT
      count(*)::integer AS users
    FROM
      users u
    WHERE
      u.time_zone IS NULL
  )
SELECT
  users
FROM
  counted
