import Table from 'cli-table3';
import { InvalidArgumentError } from 'commander';
import { type ChainHead } from '../audit/audit-chain.repository';
import { type ChainReport } from '../audit/audit-chain.service';
import { FAILED } from './exit';
import { withApp } from './with-app';

/** `quotidian audit --chain`: seals what waits, then looks at every event. */
export async function auditChain(noted: ChainHead | null, json: boolean): Promise<void> {
  const { AuditChainService } = await import('../audit/audit-chain.service.js');
  const report = await withApp(
    async (app, stop) => {
      const chain = app.get(AuditChainService, { strict: false });
      // A role that may only read proves what is there as it is: what waits is looked at as well.
      await chain.seal(stop).catch(() => undefined);
      return chain.check(noted);
    },
    { logLevel: 'fatal' },
  );
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : describe(report));
  if (!report.clean) process.exitCode = FAILED;
}

/** `<position>:<hash>`, as a report shows it. @throws InvalidArgumentError */
export function parseHead(text: string): ChainHead {
  const [, position, hash] = /^(\d{1,18}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (position === undefined || hash === undefined) throw new InvalidArgumentError('Give it as <position>:<64 hexadecimal digits>.');
  return { position, hash };
}

function describe({ clean, events, redacted, head, counts, faults }: ChainReport): string {
  const end = `Head: ${head.position}:${head.hash}\n`;
  if (clean) return `The audit log is what was written: ${events} events${redacted === 0 ? '' : `, ${redacted} of them redacted`}.\n${end}`;
  const table = new Table({ head: ['what', 'event', 'position'], style: { head: [], border: [] } });
  for (const { kind, eventId, position } of faults) table.push([kind, eventId ?? '', position ?? '']);
  const totals = Object.entries(counts).map(([kind, count]) => `${kind}: ${count}`);
  return `The audit log is NOT what was written. ${totals.join(', ')}\n${table.toString()}\n${end}`;
}
