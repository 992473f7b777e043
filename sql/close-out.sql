-- close out
SELECT
  quota_close_out ($1::integer[])
