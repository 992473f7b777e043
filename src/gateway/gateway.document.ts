import { applyDecorators } from '@nestjs/common';
import { ApiHeader, ApiNoContentResponse, ApiOkResponse, ApiQuery } from '@nestjs/swagger';
import { NotFoundProblem, ValidationProblem } from '../http/problem';
import { IdempotencyKeyReused, MalformedIdempotencyKey } from '../idempotency/idempotency.errors';
import { declares, Fails } from '../openapi/declarations';
import { Charges } from '../quotas/metered.decorators';
import { REQUEST_TYPE } from '../requests/request-type';
import { ChargeRefunded, Denied } from './gateway.errors';

const optional = (name: string, description: string, schema: object) => ApiHeader({ name, description, required: false, schema });

/** How the OpenAPI document describes the check. */
export const ApiGatewayCheck = () =>
  applyDecorators(
    ApiQuery({ name: 'denyStatus', required: false, enum: ['403'], description: 'Answer every refusal with 403; its own status is then in `X-Quota-Status`.' }),
    optional('X-Quota-Cost', "Units to charge, instead of the type's.", { type: 'string', pattern: '^[1-9][0-9]{0,9}$' }),
    optional('X-Quota-Type', 'The type that the charge is recorded as, `gateway` when none is given.', {
      type: 'string',
      pattern: REQUEST_TYPE.source,
    }),
    optional(
      'X-Quota-Hold',
      'Seconds for which the units are reserved: the request stays `processing`, attempt 1, until a worker completes or fails it by `X-Charge-Id`. When they are over it counts as succeeded.',
      { type: 'string', pattern: '^[1-9][0-9]{0,9}$' },
    ),
    optional('X-Quota-Allow-Status', 'Answer 200 instead of 204, for Envoy.', { type: 'string', enum: ['200'] }),
    optional('Idempotency-Key', 'Charges once for all calls that bear it, as long as that charge stands. A proxy must not pass on one that its client chose.', {
      type: 'string',
      maxLength: 255,
    }),
    ApiNoContentResponse({ description: 'Charged: let the call through.' }),
    ApiOkResponse({ description: 'The same, to `X-Quota-Allow-Status: 200`.' }),
    Charges(),
    declares({
      ignoresBody: true,
      answersAll: true,
      answers: { fields: ['X-User-Id', 'X-User-Tier?', 'X-Charge-Id?', 'X-Quota-Uncounted?', 'Idempotency-Replayed?'] },
    }),
    Fails(Denied, ValidationProblem, NotFoundProblem, MalformedIdempotencyKey, IdempotencyKeyReused, ChargeRefunded),
  );
