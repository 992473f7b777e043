import { DRAWS } from './forms.sql';

/** A request as it is answered; `r` is its row. */
export const REQUEST = `r.id, r.user_id AS "userId", r.type, r.status, r.cost, r.refunded_units AS "refundedUnits",
  r.charged_on::text AS "chargedOn", r.payload, r.result, r.error, r.attempt, r.created_at AS "createdAt",
  r.started_at AS "startedAt", r.finished_at AS "finishedAt", r.updated_at AS "updatedAt", r.available_at AS "availableAt",
  r.deadline_at AS "deadlineAt", r.cancel_requested_at AS "cancelRequestedAt", ${DRAWS} AS draws`;

/** An instant as JSON, as JavaScript writes it: UTC, cut to milliseconds. */
const instant = (column: string): string => `coalesce(to_char(${column} AT TIME ZONE 'UTC', '\\"YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\\"'), 'null')`;

/**
 * The same as one JSON text without the closing brace, made once and passed on as it is: to read rows into objects and write
 * those out again takes longer than to change the rows. Payloads are as they are stored; a test holds this to `RequestDto`.
 */
const OPEN_REQUEST_JSON = `concat('{"id":"', r.id, '","userId":', r.user_id, ',"type":"', r.type, '","status":"', r.status,
  '","cost":', r.cost, ',"refundedUnits":', r.refunded_units, ',"chargedOn":"', r.charged_on, '","payload":', r.payload,
  ',"result":', coalesce(r.result, 'null'), ',"error":', coalesce(r.error, 'null'), ',"attempt":', r.attempt,
  ',"createdAt":', ${instant('r.created_at')}, ',"startedAt":', ${instant('r.started_at')}, ',"finishedAt":', ${instant('r.finished_at')},
  ',"updatedAt":', ${instant('r.updated_at')}, ',"availableAt":', ${instant('r.available_at')}, ',"deadlineAt":', ${instant('r.deadline_at')},
  ',"cancelRequestedAt":', ${instant('r.cancel_requested_at')}`;

/** The member that only those have that drew on more than the day. */
const DRAWS_MEMBER = `CASE WHEN r.drawn_units > 0 THEN ',"draws":' || (${DRAWS})::text END`;

export const REQUEST_JSON = `${OPEN_REQUEST_JSON}, ${DRAWS_MEMBER}, '}')`;

/** With the end of the lease, as a claim answers it. */
export const CLAIMED_JSON = `${OPEN_REQUEST_JSON}, ${DRAWS_MEMBER}, ',"leaseExpiresAt":', ${instant('r.lease_expires_at')}, '}')`;
