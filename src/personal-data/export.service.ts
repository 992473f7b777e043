import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Readable } from 'node:stream';
import { AuditService } from '../audit/audit.service';
import { CredentialWatch } from '../auth/credential-watch';
import { type AuthenticatedRequest } from '../common/access.decorators';
import { type Actor } from '../common/principal';
import { DatabaseClock } from '../database/database-clock';
import { type ReadPiece } from '../database/replica-reads';
import { Transactions } from '../database/transactions';
import { Allowance } from '../passwords/allowance';
import { UsersService } from '../users/users.service';
import { type ExportFormat } from './export-format';
import { type ExportedTable } from './exported-table';
import { EXPORTED } from './exported-tables.sql';
import { TooManyExports } from './personal-data.errors';
import { PersonalDataRepository } from './personal-data.repository';

/** Each begins with a row in the audit log. */
const BURST = 20;
const EVERY_MS = 60_000;

/**
 * Exports all that is stored of a user. Always true: of one user one export is under way on a replica; what is in memory of it is a batch,
 * and the next is read, by a statement of its own, when the client has taken the one before; it ends with its credential; rows
 * that come while it runs are not in it, so it comes to an end.
 */
@Injectable()
export class ExportService implements BeforeApplicationShutdown {
  private readonly logger = new Logger(ExportService.name);
  private readonly underWay = new Map<number, Readable | null>();
  private readonly begun = new Allowance({ burst: BURST, everyMs: EVERY_MS });

  constructor(
    private readonly repository: PersonalDataRepository,
    private readonly users: UsersService,
    private readonly audit: AuditService,
    private readonly credentials: CredentialWatch,
    private readonly transactions: Transactions,
    private readonly clock: DatabaseClock,
  ) {}

  beforeApplicationShutdown(): void {
    for (const stream of this.underWay.values()) stream?.destroy();
  }

  /** The export as a stream of text. @param read reads a piece of it, from wherever it may be read @throws NotFoundProblem, TooManyExports */
  async open(actor: Actor, request: AuthenticatedRequest, userId: number, format: ExportFormat, read: ReadPiece): Promise<Readable> {
    if (this.underWay.has(userId)) throw new TooManyExports('An export of this user is under way: wait for its end.', 1);
    this.underWay.set(userId, null);
    try {
      const at = await this.begin(actor, userId);
      // One piece ahead of the client, and no more.
      const stream = Readable.from(this.pieces(userId, at, format, read), { highWaterMark: 1 });
      this.underWay.set(userId, stream);
      this.endWithCredential(request, userId, stream);
      return stream;
    } catch (error) {
      this.underWay.delete(userId);
      throw error;
    }
  }

  /** Nothing is exported, and nothing recorded. @throws NotFoundProblem */
  async look(userId: number): Promise<void> {
    await this.users.get(userId);
  }

  /** That somebody took the data is known before anything of it is sent. */
  private async begin(actor: Actor, userId: number): Promise<Date> {
    return this.transactions.run(async (tx) => {
      await this.users.get(userId, tx);
      const waitMs = this.begun.spend(String(userId));
      if (waitMs > 0) throw new TooManyExports('This user was exported too often.', Math.ceil(waitMs / 1_000));
      await this.audit.record(tx, actor, { action: 'user.export', target: ['user', userId] });
      return this.clock.now(tx);
    });
  }

  private endWithCredential(request: AuthenticatedRequest, userId: number, stream: Readable): void {
    const watched = this.credentials.watch(request, { credentialChanged: (ended) => ended && stream.destroy() });
    // The client sees it by the missing end.
    stream.once('error', (error) => this.logger.warn(`the export of user ${userId} was cut off: ${error.message}`));
    stream.once('close', () => {
      this.credentials.unwatch(watched);
      this.underWay.delete(userId);
    });
  }

  private async *pieces(userId: number, at: Date, format: ExportFormat, read: ReadPiece): AsyncGenerator<string> {
    yield format.begin(at.toISOString());
    let rows = 0;
    for (const table of EXPORTED) {
      const { section, single = false } = table;
      let ahead = format.beginSection(section, single);
      let isEmpty = true;
      for await (const batch of this.batches(table, userId, read)) {
        for (const json of batch) {
          ahead += format.row(section, json, isEmpty);
          isEmpty = false;
        }
        rows += batch.length;
        yield ahead;
        ahead = '';
      }
      ahead += format.endSection(single, isEmpty);
      if (ahead !== '') yield ahead;
    }
    yield format.end(rows);
  }

  private async *batches(table: ExportedTable, userId: number, read: ReadPiece): AsyncGenerator<string[]> {
    const last = await read((from) => this.repository.last(table, userId, from));
    if (last === null) return;
    for (let after: string[] | null = null; ;) {
      const position: string[] | null = after;
      const batch: { json: string; position: string[] }[] = await read((from) => this.repository.batch(table, userId, position, last, from));
      if (batch.length === 0) return;
      yield batch.map(({ json }) => json);
      after = (batch.at(-1) as { position: string[] }).position;
    }
  }
}
