import { sqlState } from '../common/database-errors';

/** For operators, who mend each by something else. */
export function transientReason(error: unknown): string {
  const state = sqlState(error) ?? '';
  if (/^28/.test(state)) return 'the database refuses our role or its password';
  if (state === '3D000') return 'the server does not have our database';
  if (state === '53100') return 'the database has no room on its disk';
  if (state === '53300') return 'the database has no connection left for us';
  if (/^(57P0|08|ECONN|EPIPE)/.test(state)) return 'the database was not there';
  return 'the database did not answer in time or was not there';
}
