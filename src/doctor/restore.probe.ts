import { type BooksRepository } from '../ledger/books.repository';
import { failure, type Finding, ok, unknown, warning } from './finding';
import { type RestoreRepository } from './restore.repository';

const FRESH_S = 300;
/** Clocks of two machines may differ by this. */
const FUTURE_S = -5;

/** What the restored state means for today's quotas. */
export async function ageFindings(restored: RestoreRepository): Promise<Finding[]> {
  const { newestAt, newestSecondsAgo, spentToday } = await restored.state();
  if (newestAt === null || newestSecondsAgo === null) return [unknown('age', 'no request was ever made, so how old this is cannot be known')];
  const at = newestAt.toISOString();
  if (newestSecondsAgo < FUTURE_S)
    return [failure('age', `the newest request is of the future (${at}): days do not go on until the clock is there`, 'timedatectl set-ntp true')];
  const spent = ok('running day', `${spentToday} users have spent of it; each day that is over opens anew by itself`);
  if (newestSecondsAgo < FRESH_S) return [ok('age', `the newest request is of ${at}`), spent];
  const hours = (newestSecondsAgo / 3_600).toFixed(1);
  return [
    warning('age', `the newest request is of ${at}, ${hours} h ago: what users spent since is theirs again`, `quotidian replay <the access log since ${at}>`),
    spent,
  ];
}

export async function sequenceRestoreFindings(restored: RestoreRepository): Promise<Finding[]> {
  const behind = await restored.sequencesBehind();
  if (behind.length === 0) return [ok('ids', 'every table gives ids that are new')];
  return behind.map(({ table, mend }) => failure('ids', `${table} gives ids that are there already`, `psql -c "${mend}"`));
}

/** Every user, day and request: as long as the ledger is. */
export async function allBooksFinding(books: BooksRepository, onCheck?: (done: number, of: number) => void): Promise<Finding> {
  const { clean, users, days, requests, counts } = await books.compare(onCheck);
  const compared = `${users} users, ${days} charged days, ${requests} requests`;
  if (clean) return ok('books', `counters, history and ledger agree: ${compared}`);
  return failure(
    'books',
    `they do not agree (${compared}): ${Object.entries(counts)
      .map(([check, count]) => `${check} ${count}`)
      .join(', ')}`,
    'quotidian audit',
  );
}

/** @param foreign names of what was sealed with a key that is not here */
export function secretFinding(foreign: string[]): Finding {
  if (foreign.length === 0) return ok('secrets', 'each can be opened with the keys that are here');
  return failure('secrets', `${foreign.length} cannot be opened, such as ${foreign[0]}`, 'SECRETS_KEY=<the key at the time of the backup>');
}
