import { QueryFailedError } from 'typeorm';

/**
 * Faults of the database that pass: serialization and deadlock, lock and statement timeouts, shutdown and failover, full
 * disk, too many connections, a server that does not let us in, lost connection (class 08). Nothing of the statement is
 * in force; trying again is right.
 * Codes: PostgreSQL manual, appendix A.
 */
const TRANSIENT =
  /^(40001|40P01|55P03|57014|57P0[1-5]|53\d{3}|55000|28\w{3}|3D000|58030|25006|08\w{3}|ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|ENOENT|EAI_AGAIN|25P03)$/;

/** pg and TypeORM report these without a code. */
const TRANSIENT_MESSAGE =
  /Connection terminated|Query read timeout|timeout exceeded when trying to connect|already released|Client has encountered a connection error|not queryable|Cannot use a pool after calling end|Driver not Connected|Connection ended/i;

interface Coded {
  code?: string;
  constraint?: string;
  /** The function of the server that gave up. */
  routine?: string;
  /** What the server was in the middle of, the innermost first. */
  where?: string;
}

/** The error that the server or the socket gave, without TypeORM's wrapper. */
function cause(error: unknown): Coded & Error {
  return (error instanceof QueryFailedError ? error.driverError : error) as Coded & Error;
}

/** The SQLSTATE, or the socket's error code. */
export function sqlState(error: unknown): string | undefined {
  const { code } = cause(error) ?? {};
  return typeof code === 'string' ? code : undefined;
}

/** The name of the violated constraint when the error is such a violation (class 23). */
export function violatedConstraint(error: unknown): string | undefined {
  return sqlState(error)?.startsWith('23') ? cause(error).constraint : undefined;
}

export function isTransient(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined && TRANSIENT.test(state)) return true;
  return error instanceof Error && TRANSIENT_MESSAGE.test(error.message);
}

/** Whether the server itself reported that the statement failed: then it is rolled back. Otherwise its outcome is unknown. */
export function isRolledBack(error: unknown): boolean {
  const state = sqlState(error);
  return state !== undefined && /^[0-9A-Z]{5}$/.test(state) && !/^(08|57P0)/.test(state);
}

/** Rolled back for the sake of another transaction: serialization, deadlock, a lock that was not to be had. Trying again is right. */
export function isConflict(error: unknown): boolean {
  return /^(40001|40P01|55P03)$/.test(sqlState(error) ?? '');
}

/** The connection is gone, or never came about; the server may be too. What it did last is known only to who knows what was sent. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return /^(08\w{3}|57P0[1-3]|25P03|ECONN\w+|EPIPE|ETIMEDOUT)$/.test(state);
  return error instanceof Error && /Connection terminated|not queryable|Connection ended/i.test(error.message);
}

/** No connection came about, so that nothing was sent. */
const NEVER_SENT = /^(ECONNREFUSED|ENOTFOUND|ENOENT|EAI_AGAIN|57P03)$/;

/** The failure itself, or the one that it reports. */
function reported(error: unknown): unknown {
  return error instanceof Error && !(error instanceof QueryFailedError) ? (error.cause ?? error) : error;
}

/** Whether the database cannot answer anybody: it is away, out of reach or out of room. Not where somebody's row is locked, or transactions collide. */
export function isOutage(error: unknown): boolean {
  const failure = reported(error);
  return isTransient(failure) && !isConflict(failure);
}

/** Whether what failed so may have been done all the same. */
export function mayBeDone(error: unknown): boolean {
  const failure = reported(error);
  if (isRolledBack(failure) || NEVER_SENT.test(sqlState(failure) ?? '')) return false;
  return !(failure instanceof Error && /timeout exceeded when trying to connect/.test(failure.message));
}

/** In a function of the schema's own: those read what is stored, and are given nothing that was not checked. */
const IN_FUNCTION = /(PL\/pgSQL|SQL) function "?(quota|tier)_/;

/** A text that a type cannot read, however it came into the statement; in PostgreSQL's sources. */
const READING = /^(pg_strto\w+|DateTimeParseError|\w+_in|\w+in_internal|set_var_from_str)$/;

/**
 * Text that the server could not take: a hole in our validation, but the caller's fault. Sums, zones and sequences that fail
 * (the others of class 22) are not: nobody sent them, something that is stored is at its end.
 */
export function isBadData(error: unknown): boolean {
  const state = sqlState(error) ?? '';
  if (IN_FUNCTION.test(cause(error)?.where ?? '')) return false;
  if (/^(22001|22007|22021|22P0[2-5]|54\d{3})$/.test(state)) return true;
  return /^(22003|22008)$/.test(state) && READING.test(cause(error).routine ?? '');
}

/** What is stored does not suit the statement (the rest of class 22): a sum beyond its type, a day beyond the calendar, a sequence used up. */
export function isUnusableData(error: unknown): boolean {
  return /^22\w{3}$/.test(sqlState(error) ?? '') && !isBadData(error);
}
