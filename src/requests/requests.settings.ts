import { defineSetting } from '../configurations/setting';

/** How requests of one type are charged and carried out. */
export interface RequestType {
  /** Units; a caller with the `service` scope may state another cost. */
  cost?: number;
  /** `queued` waits for a worker, `instant` is recorded as succeeded at once. */
  execution?: 'queued' | 'instant';
}

export const RequestSettings = {
  types: defineSetting<Record<string, RequestType>>({
    key: 'requests.types',
    schema: {
      type: 'object',
      propertyNames: { pattern: '^[a-z0-9][a-z0-9._-]{0,49}$' },
      additionalProperties: {
        type: 'object',
        properties: {
          cost: { type: 'integer', minimum: 1, maximum: 2_147_483_647 },
          execution: { enum: ['queued', 'instant'] },
        },
        additionalProperties: false,
      },
    },
    default: {},
    description: 'Per request type: its cost in units (1 where not said) and its execution, `queued` (the default) or `instant`.',
    visibility: 'public',
  }),
  strictTypes: defineSetting<boolean>({
    key: 'requests.strictTypes',
    schema: { type: 'boolean' },
    default: false,
    description: 'Whether only the types in `requests.types` are taken.',
    visibility: 'public',
  }),
  maxPayloadBytes: defineSetting<number>({
    key: 'requests.maxPayloadBytes',
    schema: { type: 'integer', minimum: 2, maximum: 262_144 },
    default: 65_536,
    unit: 'bytes',
    description: 'The largest payload that is taken, in bytes of JSON.',
    visibility: 'public',
  }),
};
