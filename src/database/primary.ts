import { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client } from 'pg';
import { sqlState } from '../common/database-errors';
import { type ConnectionUrl, type ServerAddress } from './connection-url';
import { survey } from './server-check';
import { cut, identityOf, nameOf, observer, refusalOf, stateOf, type ObservedServer } from './server-probe';

const BEAT_MS = 500;
/** A server that is silent for so long is left. With the beat it makes less than five seconds. */
const SILENCE_MS = 3_000;
const PROBE_MS = 2_000;
/** How often the other servers of the URL are looked at, for one that was promoted while ours still takes writes. */
const SURVEY_MS = 2_000;
const SEARCH_MS = 250;

/**
 * The one server that takes our writes. Always true: all connections lead to one incarnation of one server at a time. One
 * that turns read-only, falls silent, is restarted, or was left behind by a promotion is left by all of them at once; until
 * another is found there is none. Of several that take writes the newest timeline wins, and an older one is never gone back to.
 */
export class Primary {
  private readonly logger = new Logger(Primary.name);
  private readonly connected = new Set<Client>();
  private current: ObservedServer | null;
  private watcher: Client | null = null;
  private why = '';
  private surveyedAt = performance.now();
  private running: Promise<void> | null = null;
  private readonly closing = new AbortController();
  /** The newest that ever served. */
  private known: Pick<ObservedServer, 'system' | 'timeline' | 'pooled'>;

  constructor(
    private readonly url: ConnectionUrl,
    first: ObservedServer,
    /** The way there leads around every pooler. */
    private readonly direct = false,
  ) {
    this.current = first;
    this.known = first;
  }

  /** Where to connect; null while there is none. */
  get address(): ServerAddress | null {
    return this.current?.address ?? null;
  }

  /** Whether it stands behind a pooler: what begins with a connection does not stay with it there. */
  get pooled(): boolean {
    return !this.direct && (this.current ?? this.known).pooled;
  }

  /** What is asked of a server to know it. */
  get stateQuery(): string {
    return this.current?.stateQuery ?? 'SELECT';
  }

  get identity(): string | null {
    return this.current && identityOf(this.current);
  }

  /** Why there is no server, for operators; null while there is one. */
  get problem(): string | null {
    return this.current ? null : this.why;
  }

  /** From now on the connection is cut when the server is left. */
  keep(client: Client): void {
    this.connected.add(client);
    client.once('end', () => this.connected.delete(client));
  }

  watch(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.closing.abort();
    if (this.watcher) cut(this.watcher);
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.closing.signal.aborted) {
      await (this.current ? this.check(this.current) : this.search());
      await delay(this.current ? BEAT_MS : SEARCH_MS, undefined, { signal: this.closing.signal, ref: false }).catch(() => undefined);
    }
  }

  private async check(server: ObservedServer): Promise<void> {
    const refusal = await this.beat(server).catch((error: Error) => this.unanswered(server, error));
    if (this.closing.signal.aborted) return;
    if (refusal !== null) this.leave(refusal);
    else if (this.url.servers.length > 1 && performance.now() - this.surveyedAt > SURVEY_MS) await this.lookForNewer(server);
  }

  /** Asks the server who it is. @returns why it must be left */
  private async beat(server: ObservedServer): Promise<string | null> {
    this.watcher ??= await this.connectWatcher(server.address);
    const state = await stateOf(this.watcher, server.stateQuery);
    if (identityOf(state) !== identityOf(server)) return 'it is another server, or was started anew';
    return refusalOf(state);
  }

  private async connectWatcher(address: ServerAddress): Promise<Client> {
    const client = observer(this.url, address, SILENCE_MS, this.pooled);
    try {
      await client.connect();
      return client;
    } catch (error) {
      cut(client);
      throw error;
    }
  }

  /** The watching connection alone may be gone, as when somebody ends it: then the server is asked once more. */
  private async unanswered(server: ObservedServer, error: Error): Promise<string | null> {
    this.dropWatcher();
    const silent = /timeout/i.test(error.message);
    if (silent || this.closing.signal.aborted) return 'it did not answer';
    return this.beat(server).catch((again: unknown) => (/^28/.test(sqlState(again) ?? '') ? 'it refuses our role or its password' : 'it cannot be reached'));
  }

  private async lookForNewer(server: ObservedServer): Promise<void> {
    this.surveyedAt = performance.now();
    const { primary } = await survey(this.url, PROBE_MS, this.known);
    if (primary && primary.timeline > server.timeline) this.leave('another was promoted');
  }

  private async search(): Promise<void> {
    const { primary, refusals } = await survey(this.url, PROBE_MS, this.known);
    if (this.closing.signal.aborted) return;
    if (primary === null) {
      this.why = `no server takes writes: ${refusals.map(({ reason }) => reason).join('; ')}`;
      return;
    }
    this.surveyedAt = performance.now();
    this.current = this.known = primary;
    this.logger.warn(`the database is now ${nameOf(primary.address)}, timeline ${primary.timeline}`);
  }

  private leave(reason: string): void {
    if (this.current === null) return;
    this.why = `the server was left: ${reason}`;
    this.logger.error(`${nameOf(this.current.address)} was left: ${reason}`);
    this.current = null;
    this.dropWatcher();
    for (const client of this.connected) cut(client);
    this.connected.clear();
  }

  private dropWatcher(): void {
    if (this.watcher) cut(this.watcher);
    this.watcher = null;
  }
}
