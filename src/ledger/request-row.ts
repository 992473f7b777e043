import { type Request } from './entities/request.entity';

/** What `REQUEST` reads. */
export type RequestFields = Omit<Request, 'apiKeyId' | 'chargedFold' | 'limitAtCharge' | 'usedAtCharge' | 'maxAttempts' | 'held' | 'leaseExpiresAt'>;

/** A request as it is answered; `r` is its row. */
export const REQUEST = `r.id, r.user_id AS "userId", r.type, r.status, r.cost, r.refunded_units AS "refundedUnits",
  r.charged_on::text AS "chargedOn", r.payload, r.result, r.error, r.attempt, r.created_at AS "createdAt",
  r.started_at AS "startedAt", r.finished_at AS "finishedAt", r.updated_at AS "updatedAt", r.available_at AS "availableAt",
  r.deadline_at AS "deadlineAt", r.cancel_requested_at AS "cancelRequestedAt"`;
