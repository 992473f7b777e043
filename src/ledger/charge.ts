import { type Draw, type FlightState, type LimitState } from './decision';

/** One metered act that asks to be admitted. */
export interface Charge {
  userId: number;
  /** The API key that pays, for the ledger; null for a session. */
  keyId: number | null;
  /** Whether that key has a daily cap, and then whether it is its own user's: caps are counted in the same statement. */
  keyCap: 'none' | 'own' | 'foreign';
  type: string;
  /** What it starts as: waiting for a worker, done at once, or held under a lease. */
  status: 'pending' | 'succeeded' | 'processing';
  /** Units, 1 or more. */
  cost: number;
  /** The payload as JSON text, made once: for the bound of the queue, the statement and the answer. */
  payloadJson: string;
  /** The scope is a name of ours: the same key on two routes is two keys. */
  idempotency: { scope: 'requests' | 'authorize' | 'metered'; key: string; fingerprint: Buffer } | null;
  /** When it expires, if it does: an instant in RFC 3339, or seconds after the charge. */
  deadline?: string | number;
  /** With `processing`: the lease under which it is held; when that runs out it counts as succeeded. */
  holdSeconds?: number;
  /** Whether quotas are tried out for its type: what they refuse is admitted beside. */
  shadow?: boolean;
  /** Whether nobody waits for the answer any more; asked just before the charge is sent. */
  isGone?: () => boolean;
}

/** Where a user's quota stands, as the database saw it when it decided. */
export interface QuotaState {
  unlimited: boolean;
  /** Units a day; its number when unlimited means nothing. */
  quota: number;
  /** Units used, this charge included if it was admitted; without what grants paid. */
  used: number;
  /** Units left on grants. */
  granted: number;
  tier: string;
  /** The zone in force. */
  zone: string;
  /** First and last instant of the period, in milliseconds since 1970. */
  startsAt: number;
  endsAt: number;
  /** The database's clock at the decision. */
  now: number;
  /** Further limits: of those that count the charge, or of the plan where nothing was charged. Absent: none. */
  limits?: readonly LimitState[];
}

/** The user's own cap on the key that paid. */
export interface CapState {
  cap: number;
  used: number;
}

/** By which problem a limit that is tried out would have refused. */
export type ShadowCode = 'quota-exceeded' | 'limit-exceeded' | 'too-many-in-flight';

export interface Admitted {
  outcome: 'admitted';
  id: string;
  chargedOn: string;
  /** What of the cost the day's own units did not pay. */
  draws: readonly Draw[];
  /** By what it would have been refused, if limits were not tried out; null: it would not. */
  shadow: ShadowCode | null;
  state: QuotaState;
  cap: CapState | null;
}

/** The key was used before for the same body: `id` is what it made then. */
export interface Replayed {
  outcome: 'replayed';
  id: string;
  state: QuotaState;
}

export interface Refused {
  outcome: 'over-quota' | 'over-cap' | 'over-limit' | 'over-in-flight' | 'key-reused' | 'suspended' | 'no-user';
  state: QuotaState | null;
  cap: CapState | null;
  /** With `over-in-flight`: the limit that did not hold it. */
  flight: FlightState | null;
}

export type Verdict = Admitted | Replayed | Refused;
