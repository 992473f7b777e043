import { StoredValues } from '../health/stored-values.service';
import { type BooksReport, BooksRepository } from '../ledger/books.repository';
import { OperatorAlerts } from '../notifications/operator-alerts.service';
import { DefaultTierService } from '../tiers/default-tier.service';
import { withApp } from './with-app';

/** What the log would show of stored values is in the report; standard output is the report's alone. */
const QUIET = { logLevel: 'fatal' as const };

/** Compares the books of the database, and notes which stored values do not count; operators are alerted when the books differ. */
export function provenBooks(progress: Parameters<BooksRepository['compare']>[0]): Promise<{ report: BooksReport; notes: string[] }> {
  return withApp(async (app) => {
    const problem = await app.get(DefaultTierService).problem();
    const adjusted = await app.get(StoredValues, { strict: false }).count();
    const notes = [...(problem === null ? [] : [problem]), ...adjusted.map(({ value, detail }) => `${value} does not count: ${detail}`)];
    const report = await app.get(BooksRepository).compare(progress);
    // Where the role may only read, the exit code alone reports it.
    if (!report.clean)
      await app
        .get(OperatorAlerts, { strict: false })
        .raise('operator.books-differ', { counts: report.counts })
        .catch(() => undefined);
    return { report, notes };
  }, QUIET);
}
