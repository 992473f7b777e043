import { QueryFailedError } from 'typeorm';
import { isBadData, isRolledBack, isTransient, isUnusableData, sqlState, violatedConstraint } from './database-errors';

/** An error as TypeORM wraps what pg reports. */
const failed = (code: string, more: object = {}) => new QueryFailedError('SELECT 1', [], Object.assign(new Error(code), { code, ...more }));

describe('what a database error means', () => {
  it.each([
    '40001',
    '40P01',
    '55P03',
    '57014',
    '57P01',
    '57P02',
    '57P03',
    '53100',
    '53200',
    '53300',
    '53400',
    '58030',
    '25006',
    '25P03',
    '08006',
    '08P01',
    '55000',
    '28P01',
    '3D000',
  ])('%s passes', (code) => expect(isTransient(failed(code))).toBe(true));

  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOENT', 'EAI_AGAIN'])('%s of a socket passes', (code) => {
    expect(isTransient(Object.assign(new Error(code), { code }))).toBe(true);
  });

  it.each([
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'Query read timeout',
    'timeout exceeded when trying to connect',
    'Query runner already released. Cannot run queries anymore.',
    'Database connection provided by a query runner was already released, cannot continue to use its querying methods anymore.',
    'Client has encountered a connection error and is not queryable',
    'Cannot use a pool after calling end on the pool',
  ])('%j, which comes without a code, passes', (message) => expect(isTransient(new Error(message))).toBe(true));

  it.each(['23505', '23514', '42703', '42P01', '22P02', 'XX000'])('%s does not pass', (code) => expect(isTransient(failed(code))).toBe(false));

  it.each(['22001', '22007', '22021', '22P05', '22P02', '54000', '54001'])('%s is bad data', (code) => expect(isBadData(failed(code))).toBe(true));

  it('a stored text that a function of the schema cannot read is not the fault of the caller', () => {
    const where = 'PL/pgSQL function quota_limits_of(integer,jsonb,text) line 13 at assignment';
    for (const code of ['22P02', '22007', '22003']) {
      const error = failed(code, { where, routine: 'pg_strtoint32_safe' });
      expect([isBadData(error), isUnusableData(error)]).toEqual([false, true]);
    }
    expect(isBadData(failed('22P02', { where: "unnamed portal parameter $1 = 'x'" }))).toBe(true);
  });

  it.each(['22003', '22008', '22012', '22023', '2200H', '2202E'])('%s of what is stored is not the fault of the caller', (code) => {
    for (const routine of ['int4pl', 'date2timestamp_opt_overflow']) {
      expect([isBadData(failed(code, { routine })), isUnusableData(failed(code, { routine }))]).toEqual([false, true]);
    }
  });

  it.each([
    ['22003', 'pg_strtoint32_safe'],
    ['22003', 'float8in_internal'],
    ['22008', 'DateTimeParseError'],
    ['22008', 'timestamptz_in'],
  ])('%s of a text that %s reads is bad data', (code, routine) => {
    expect([isBadData(failed(code, { routine })), isUnusableData(failed(code, { routine }))]).toEqual([true, false]);
  });

  it('knows whether the server stated that nothing is in force', () => {
    for (const code of ['23505', '40001', '57014', '53100']) expect(isRolledBack(failed(code))).toBe(true);
    for (const code of ['57P01', '08006', 'ECONNRESET']) expect(isRolledBack(failed(code))).toBe(false);
    expect(isRolledBack(new Error('Query read timeout'))).toBe(false);
  });

  it('names the constraint of a violation, and of nothing else', () => {
    expect(violatedConstraint(failed('23505', { constraint: 'users_email_key' }))).toBe('users_email_key');
    expect(violatedConstraint(failed('40001', { constraint: 'users_email_key' }))).toBeUndefined();
    for (const nothing of [null, undefined, 'text', 5, {}]) {
      expect([sqlState(nothing), isTransient(nothing), isBadData(nothing), violatedConstraint(nothing)]).toEqual([undefined, false, false, undefined]);
    }
  });
});
