import { Logger } from '@nestjs/common';
import { type Notifications } from './notifications';

const RETRY_MS = 200;

export interface KeptFreshOptions<Value> {
  /** What it is, for the log: `settings`. */
  name: string;
  /** The channel on which a trigger notifies of each committed change. */
  channel: string;
  /** What counts before the first read. */
  initial: Value;
  read: () => Promise<Value>;
  /** Called when a value that was read is in force. */
  onRead?: () => void;
  /** Read also so often, as a net under the notifications; absent: only after them. */
  everyMs?: number;
}

/**
 * A value of the database's, held in memory. Always true: it is replaced as a whole, within a second of a committed change
 * anywhere, and read anew after each gap in the notifications. A read that fails is tried again until it does not.
 */
export class KeptFresh<Value> {
  private readonly logger = new Logger(KeptFresh.name);
  private running: Promise<void> = Promise.resolve();
  /** A read that was asked for and has not begun. */
  private next: Promise<void> | null = null;
  private timer: NodeJS.Timeout | undefined;
  private retry: NodeJS.Timeout | undefined;
  private stopped = false;
  private current: Value;

  constructor(
    private readonly notifications: Pick<Notifications, 'on' | 'onGap'>,
    private readonly options: KeptFreshOptions<Value>,
  ) {
    this.current = options.initial;
  }

  /** Listens, and reads for the first time. @throws what the read throws */
  async start(): Promise<void> {
    const { channel, everyMs } = this.options;
    this.notifications.onGap(() => this.refresh());
    await this.notifications.on(channel, () => this.refreshSoon());
    if (everyMs !== undefined) this.timer = setInterval(() => this.refreshSoon(), everyMs).unref();
    await this.read();
  }

  stop(): void {
    this.stopped = true;
    clearInterval(this.timer);
    clearTimeout(this.retry);
  }

  get value(): Value {
    return this.current;
  }

  /**
   * Reads anew, and resolves when a read that began after the call is in force. Calls that come while a read is under way
   * share the next one.
   */
  refresh(): Promise<void> {
    this.next ??= this.running.then(() => {
      this.next = null;
      const reading = this.read();
      this.running = reading.catch((error: Error) => this.readAgainSoon(error));
      return reading;
    });
    return this.next;
  }

  /** The same for those who do not wait for it. */
  refreshSoon(): void {
    void this.refresh().catch(() => undefined);
  }

  private readAgainSoon(error: Error): void {
    if (this.stopped) return;
    this.logger.warn(`${this.options.name} not re-read, trying again: ${error.message}`);
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.refreshSoon(), RETRY_MS).unref();
  }

  private async read(): Promise<void> {
    this.current = await this.options.read();
    this.options.onRead?.();
  }
}
