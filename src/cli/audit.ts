import Table from 'cli-table3';
import { type Command } from 'commander';
import { type ChainHead } from '../audit/audit-chain.repository';
import { type BooksReport } from '../ledger/books.repository';
import { auditChain, parseHead } from './audit-chain';
import { FAILED } from './exit';
import { Progress } from './progress';

const SHOWN = 20;

export function register(program: Command): void {
  program
    .command('audit')
    .description('Prove on the live database that nobody got more than their quota, and that counters and history agree with the ledger.')
    .option('--json', 'print the whole report as one line of JSON')
    .option('--chain', 'prove instead that the audit log is what was written: no event changed, removed or inserted')
    .option('--head <position:hash>', 'with --chain: a head that was noted before, which must still be there', parseHead)
    .action(async ({ json = false, chain = false, head = null }: { json?: boolean; chain?: boolean; head?: ChainHead | null }) => {
      if (chain || head !== null) return auditChain(head, json);
      const progress = new Progress('Comparing the books');
      const { provenBooks } = await import('./proven-books.js');
      const { report, notes } = await provenBooks(progress.at).finally(() => progress.stop());
      const shown = notes.length > 0 ? { ...report, notes } : report;
      process.stdout.write(json ? `${JSON.stringify(shown)}\n` : `${describe(report)}${notes.map((note) => `Note: ${note}.\n`).join('')}`);
      if (!report.clean) process.exitCode = FAILED;
    });
}

function describe({ clean, users, days, requests, counts, differences }: BooksReport): string {
  const compared = `${users} users, ${days} charged days, ${requests} requests`;
  if (clean) return `The books agree: ${compared}.\n`;
  const table = new Table({ head: ['check', 'user', 'day', 'expected', 'found'], style: { head: [], border: [] } });
  for (const { check, userId, date, expected, found } of differences.slice(0, SHOWN)) table.push([check, userId, date ?? 'now', expected, found]);
  const totals = Object.entries(counts).map(([check, count]) => `${check}: ${count}`);
  return `The books do NOT agree (${compared}). ${totals.join(', ')}\n${table.toString()}\n`;
}
