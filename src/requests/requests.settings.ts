import { MAX_INTEGER } from '../common/limits';
import { defineSetting } from '../settings/setting';
import { REQUEST_TYPE } from './request-type';

/** A worker that needs longer asks for it at its heartbeats. */
export const MAX_LEASE_SECONDS = 3_600;

/** How requests of one type are charged and carried out. */
export interface RequestType {
  /** Units; a caller with the `service` scope may state another cost. */
  cost?: number;
  /** `queued` waits for a worker, `instant` is recorded as succeeded at once. */
  execution?: 'queued' | 'instant';
  /** How often it is begun before it fails for good. */
  maxAttempts?: number;
  /** From submit; a submit may state a deadline of its own. */
  deadlineSeconds?: number;
  /** How many of one user are carried out at once; null: any number. */
  concurrency?: number | null;
  /** Whether quotas are tried out for it: what they would refuse is admitted and counted. */
  shadow?: boolean;
}

const attempts = { type: 'integer', minimum: 1, maximum: 100 };
const concurrency = { type: ['integer', 'null'], minimum: 1, maximum: 100_000 };

/** What is listed of a type. `constructor` is a good name for a type, and no member of the list by being one of every object. */
export function listedType(types: Record<string, RequestType>, name: string): RequestType | undefined {
  return Object.hasOwn(types, name) ? types[name] : undefined;
}

export const RequestSettings = {
  types: defineSetting<Record<string, RequestType>>({
    key: 'requests.types',
    schema: {
      type: 'object',
      propertyNames: { pattern: REQUEST_TYPE.source },
      additionalProperties: {
        type: 'object',
        properties: {
          cost: { type: 'integer', minimum: 1, maximum: MAX_INTEGER },
          execution: { enum: ['queued', 'instant'] },
          maxAttempts: attempts,
          deadlineSeconds: { type: 'integer', minimum: 1, maximum: 31_536_000 },
          concurrency,
          shadow: { type: 'boolean' },
        },
        additionalProperties: false,
      },
    },
    default: {},
    description:
      'Per request type: its cost in units (1 by default), its execution, `queued` (the default) or `instant`, and in place of the general settings its attempts, its deadline in seconds after submit and its concurrency. With `shadow` quotas are tried out for it: what they would refuse is admitted and counted.',
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
    description: 'The largest payload that is taken, in bytes of JSON. A number with an exponent counts with all its zeros, as it is stored.',
    visibility: 'public',
  }),
  maxAttempts: defineSetting<number>({
    key: 'requests.maxAttempts',
    schema: attempts,
    default: 3,
    description: 'How often a request is begun before it fails for good, unless its type sets another. Read when it is claimed.',
  }),
  concurrency: defineSetting<number | null>({
    key: 'requests.concurrency',
    schema: concurrency,
    default: null,
    description: 'How many requests of one user and type workers carry out at once, unless the type sets another; null: any number.',
  }),
  leaseSeconds: defineSetting<number>({
    key: 'requests.leaseSeconds',
    schema: { type: 'integer', minimum: 1, maximum: MAX_LEASE_SECONDS },
    default: 60,
    description: 'For how many seconds a worker holds what it claims, by default.',
  }),
  retryBaseSeconds: defineSetting<number>({
    key: 'requests.retryBaseSeconds',
    schema: { type: 'number', minimum: 0, maximum: 3_600 },
    default: 2,
    description: 'The pause in seconds before the second attempt; each further one doubles it. Half of it is left to chance.',
  }),
  retryMaxSeconds: defineSetting<number>({
    key: 'requests.retryMaxSeconds',
    schema: { type: 'number', minimum: 0, maximum: 86_400 },
    default: 300,
    description: 'The longest pause in seconds before another attempt.',
  }),
  maxResultBytes: defineSetting<number>({
    key: 'requests.maxResultBytes',
    schema: { type: 'integer', minimum: 2, maximum: 262_144 },
    default: 65_536,
    description:
      'The largest result or error that a worker may deliver, in bytes of JSON. A number with an exponent counts with all its zeros, as it is stored.',
  }),
  maxStreams: defineSetting<number>({
    key: 'requests.maxStreams',
    schema: { type: 'integer', minimum: 1, maximum: 100_000 },
    default: 100,
    description: 'How many event streams one user may hold open on a replica, and as many long polls.',
    visibility: 'public',
  }),
  retentionDays: defineSetting<number | null>({
    key: 'requests.retentionDays',
    schema: { type: ['integer', 'null'], minimum: 1, maximum: 36_500 },
    default: null,
    description: 'For how many days a finished request is kept after its submit; null: for ever. The totals of its day stay in the usage history.',
  }),
};
