import { type DrawSource } from './entities/request-draw.entity';

/** A user as the statement found them. */
export interface Account {
  unlimited: boolean;
  quota: number;
  tier: string;
  /** The zone in force, with the hour at which its days begin where that is not midnight: `Europe/Berlin@06:00`. */
  zone: string;
  day: string;
  periodZone: string;
  /** The database's clock at the decision, in milliseconds since 1970. */
  now: number;
  /** Whether there is more than the day's own units, of those whom a statement with the part `forms` found. */
  forms?: boolean;
  /** Whether the quota is tried out, of the same. */
  shadow?: boolean;
}

/** Units of a charge that the day's own did not pay. */
export interface Draw {
  source: DrawSource;
  grantId: number | null;
  units: number;
}

/** The zone without that hour. */
export function placeOf(zone: string): string {
  const at = zone.indexOf('@');
  return at === -1 ? zone : zone.slice(0, at);
}

/** A limit of units in flight. */
export interface FlightState {
  /** Of requests; null: of all. */
  type: string | null;
  max: number;
  used: number;
}

/** Units in a period, beside the daily quota. */
export interface LimitState {
  name: string;
  limit: number;
  used: number;
  /** First and last instant of the period, in milliseconds since 1970. */
  startsAt: number;
  endsAt: number;
  /** Whether it refused the charge. */
  over?: boolean;
  /** Of requests that it counts, where that is not known from the charge; null: all. */
  types?: readonly string[] | null;
}

/** How a statement answers one charge. */
export interface Decision {
  /** `left-out`: not of the plain case, so nothing was decided. `deferred`: may fit once what is before it was decided. `busy`: somebody holds its rows. `needs-forms`, `needs-limits`: to be sent with the part of the statement that this one lacked. `needs-close-out`: once the user's day was closed. */
  outcome:
    | 'admitted'
    | 'over-quota'
    | 'over-cap'
    | 'over-limit'
    | 'over-in-flight'
    | 'deferred'
    | 'left-out'
    | 'needs-forms'
    | 'needs-limits'
    | 'needs-close-out'
    | 'busy'
    | 'replayed'
    | 'key-reused'
    | 'suspended'
    | 'no-user';
  id: string | null;
  used: number;
  /** Units left beside the day's own. */
  granted: number;
  /** Units by which the quota may still be gone beyond. */
  beyond: number;
  /** What of the charge the day's own units did not pay. */
  draws: readonly Draw[] | null;
  cap: number | null;
  capUsed: number | null;
  /** With `over-in-flight`: the limit that did not hold it. */
  flight?: FlightState | null;
  /** Limits beside the day that count the charge; null: none. */
  limits?: readonly LimitState[] | null;
  /** Whether the user's row was locked for it: then it was decided by what others committed after the statement's snapshot. */
  locked: boolean;
  /** Null: no such user. */
  account: Account | null;
}

export const LEFT_OUT: Decision = {
  outcome: 'left-out',
  id: null,
  used: 0,
  granted: 0,
  beyond: 0,
  draws: null,
  cap: null,
  capUsed: null,
  locked: false,
  account: null,
};

/** A user as a statement without locks found them. */
export interface Standing {
  active: boolean;
  /** Whether the user's day is to be closed before a charge. */
  toRoll: boolean;
  /** Whether the quota is tried out. */
  shadow: boolean;
  used: number;
  granted: number;
  beyond: number;
  limits: readonly LimitState[] | null;
  account: Account;
}
