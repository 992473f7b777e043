import Table from 'cli-table3';
import { type AccessLog, type Hit } from './access-log';
import { type Outcome } from './submitter';

const TOP = 10;

export interface ReplayReport {
  hits: number;
  /** Lines of the file that are no hits. */
  skipped: number;
  /** How many of them for which reason. */
  skippedBy: AccessLog['skippedBy'];
  /** The first of those. */
  firstSkipped: string | null;
  /** Whether it was stopped before all hits were submitted. */
  interrupted: boolean;
  users: number;
  /** Hits that an earlier replay with this checkpoint has answered. */
  resumedAfter: number;
  /** Charged by this replay. */
  admitted: number;
  /** Charged by an earlier replay of the file, and answered again. */
  replayed: number;
  /** Refused with 429. */
  refused: number;
  failed: number;
  firstFailure: string | null;
  seconds: number;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  topRefused: { client: string; refused: number; hits: number }[];
}

/** Gathers outcomes while they come in. */
export class Tally {
  private readonly latencies: number[] = [];
  private readonly clients = new Map<string, { refused: number; hits: number }>();
  private readonly counts = { admitted: 0, replayed: 0, refused: 0, failed: 0 };
  private firstFailure: string | null = null;

  add({ client, line }: Hit, { status, replayed, ms, detail }: Outcome): void {
    this.latencies.push(ms);
    const seen = this.clients.get(client) ?? { refused: 0, hits: 0 };
    this.clients.set(client, seen);
    seen.hits++;
    if (status === 201) this.counts[replayed ? 'replayed' : 'admitted']++;
    else if (status === 429) {
      this.counts.refused++;
      seen.refused++;
    } else {
      this.counts.failed++;
      this.firstFailure ??= `line ${line}: ${status} ${detail ?? ''}`;
    }
  }

  report({ skipped, skippedBy, firstSkipped }: AccessLog, resumedAfter: number, seconds: number, interrupted: boolean): ReplayReport {
    const sorted = this.latencies.sort((a, b) => a - b);
    const quantile = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
    const refusedClients = [...this.clients].filter(([, { refused }]) => refused > 0).sort(([, a], [, b]) => b.refused - a.refused);
    return {
      hits: sorted.length,
      skipped,
      skippedBy,
      firstSkipped,
      interrupted,
      users: this.clients.size,
      resumedAfter,
      ...this.counts,
      firstFailure: this.firstFailure,
      seconds: round(seconds),
      requestsPerSecond: Math.round(sorted.length / Math.max(seconds, 0.001)),
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
      topRefused: refusedClients.slice(0, TOP).map(([client, { refused, hits }]) => ({ client, refused, hits })),
    };
  }
}

/** The report as tables for people. */
export function describe(report: ReplayReport): string {
  const number = (value: number) => value.toLocaleString('en-US');
  const totals = new Table({ style: { head: [], border: [] }, colAligns: ['left', 'right'] });
  totals.push(
    ['hits', number(report.hits)],
    ['users', number(report.users)],
    ['admitted', number(report.admitted)],
    ['already charged before (replayed)', number(report.replayed)],
    ['refused', number(report.refused)],
    ...(report.failed > 0 ? [['failed', number(report.failed)]] : []),
    ...(report.resumedAfter > 0 ? [['answered before the checkpoint', number(report.resumedAfter)]] : []),
    ...Object.entries(report.skippedBy).map(([reason, count]) => [`skipped: ${reason}`, number(count)]),
    ['requests per second', number(report.requestsPerSecond)],
    ['p50', `${report.p50Ms} ms`],
    ['p99', `${report.p99Ms} ms`],
  );
  const top = new Table({ head: ['top refused clients', 'refused', 'hits'], style: { head: [], border: [] }, colAligns: ['left', 'right', 'right'] });
  for (const { client, refused, hits } of report.topRefused) top.push([client, number(refused), number(hits)]);
  const skipped = report.firstSkipped === null ? '' : `First line that is no hit: ${report.firstSkipped}\n`;
  const interrupted = report.interrupted ? 'It was stopped before the end: replay the file again, and only the rest is charged.\n' : '';
  const failure = report.firstFailure === null ? '' : `First failure: ${report.firstFailure}\n`;
  return `${totals.toString()}\n${report.topRefused.length > 0 ? `${top.toString()}\n` : ''}${skipped}${failure}${interrupted}`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
