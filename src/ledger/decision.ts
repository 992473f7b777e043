/** A user as the statement found them. */
export interface Account {
  unlimited: boolean;
  quota: number;
  tier: string;
  zone: string;
  day: string;
  periodZone: string;
  /** The database's clock at the decision, in milliseconds since 1970. */
  now: number;
}

/** How a statement answers one charge. */
export interface Decision {
  /** `left-out`: not of the plain case, so nothing was decided. `deferred`: may fit once what is before it was decided. `busy`: somebody holds its rows. */
  outcome: 'admitted' | 'over-quota' | 'over-cap' | 'deferred' | 'left-out' | 'busy' | 'replayed' | 'key-reused' | 'suspended' | 'no-user';
  id: string | null;
  used: number;
  cap: number | null;
  capUsed: number | null;
  /** Whether the user's row was locked for it: then it was decided by what others committed after the statement's snapshot. */
  locked: boolean;
  /** Null: no such user. */
  account: Account | null;
}

export const LEFT_OUT: Decision = { outcome: 'left-out', id: null, used: 0, cap: null, capUsed: null, locked: false, account: null };

/** A user as a statement without locks found them. */
export interface Standing {
  active: boolean;
  used: number;
  account: Account;
}
