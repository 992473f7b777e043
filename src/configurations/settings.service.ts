import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Notifications } from '../database/notifications';
import { ConfigurationsRepository, type SystemState } from './configurations.repository';
import { type SystemConfiguration } from './entities/system-configuration.entity';
import { JsonSchemas } from './json-schemas';
import { SecretBox } from './secret-box';
import { declaredSettings, type Setting } from './setting';
import { SettingWriter } from './setting-writer.service';

const REREAD_MS = 30_000;
const RETRY_MS = 200;

/**
 * The settings in force, for the modules to read: from memory, typed, without I/O. Always true: the whole set is replaced
 * at once, within a second of a committed change anywhere, because a trigger notifies every replica; a re-read after
 * each gap in the notifications and every half minute is the net under it. A read that fails is tried again until it does not.
 * Every read makes what is due first, and each replica reads when the next change comes due: whichever is first makes it for all.
 */
@Injectable()
export class SettingsService implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(SettingsService.name);
  private values: ReadonlyMap<string, unknown> = new Map();
  private all: ReadonlyMap<string, SystemState> = new Map();
  private readonly listeners: (() => void)[] = [];
  private running: Promise<void> = Promise.resolve();
  /** A read that was asked for and has not begun. */
  private next: Promise<void> | null = null;
  private timer: NodeJS.Timeout;
  private retry: NodeJS.Timeout | undefined;
  /** Goes off when the next change comes due. */
  private due: NodeJS.Timeout | undefined;
  private closing = false;

  constructor(
    private readonly repository: ConfigurationsRepository,
    private readonly writer: SettingWriter,
    private readonly schemas: JsonSchemas,
    private readonly secrets: SecretBox,
    private readonly notifications: Notifications,
  ) {}

  async onModuleInit(): Promise<void> {
    this.notifications.onGap(() => this.refresh());
    await this.notifications.on('settings', () => void this.refresh().catch(() => undefined));
    this.timer = setInterval(() => void this.refresh().catch(() => undefined), REREAD_MS).unref();
    await this.read();
  }

  onModuleDestroy(): void {
    this.closing = true;
    clearInterval(this.timer);
    clearTimeout(this.retry);
    clearTimeout(this.due);
  }

  get<T>(setting: Setting<T>): T {
    const value = this.values.get(setting.key);
    return value === undefined ? setting.default : (value as T);
  }

  /** The value of a secret that an operator keeps under this key; undefined when there is none. */
  secret(key: string): unknown {
    return this.values.get(key);
  }

  /** Every setting that is declared or written, in order of the key. The map is replaced by another, never changed. */
  get states(): ReadonlyMap<string, SystemState> {
    return this.all;
  }

  /** Calls the listener after each change of the set. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /**
   * Reads the set anew, and resolves when one read that began after the call is in force. Calls that come while a read is
   * under way share the next one.
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

  private readAgainSoon(error: Error): void {
    if (this.closing) return;
    this.logger.warn(`settings not re-read, trying again: ${error.message}`);
    clearTimeout(this.retry);
    this.retry = setTimeout(() => void this.refresh().catch(() => undefined), RETRY_MS).unref();
  }

  private async read(): Promise<void> {
    const nextInMs = await this.writer.catchUp();
    clearTimeout(this.due);
    if (nextInMs !== null && nextInMs < 2 * REREAD_MS) this.due = setTimeout(() => void this.refresh().catch(() => undefined), nextInMs).unref();
    const states = await this.repository.states(declaredSettings().keys());
    const values = new Map<string, unknown>();
    for (const [key, { row }] of states) if (row !== null && this.usable(row)) values.set(key, this.reveal(row));
    this.all = states;
    this.values = values;
    for (const listener of this.listeners) listener();
  }

  /** A declared setting that was broken past our checks, by plain SQL, counts as its default. */
  private usable({ key, value }: SystemConfiguration): boolean {
    const setting = declaredSettings().get(key);
    if (setting === undefined || this.schemas.allows(setting.schema, value)) return true;
    this.logger.error(`the stored value of ${key} breaks its schema: using the default`);
    return false;
  }

  private reveal({ key, visibility, value }: SystemConfiguration): unknown {
    if (visibility !== 'secret') return value;
    const opened = this.secrets.open(key, value);
    if (opened === undefined) this.logger.error(`the secret ${key} cannot be opened with the keys that are given`);
    return opened;
  }
}
