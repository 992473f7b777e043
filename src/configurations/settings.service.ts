import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { Notifications } from '../database/notifications';
import { SystemConfiguration } from './entities/system-configuration.entity';
import { JsonSchemas } from './json-schemas';
import { SecretBox } from './secret-box';
import { declaredSettings, type Setting } from './setting';

const REREAD_MS = 30_000;

/**
 * The settings in force, for the modules to read: from memory, typed, without I/O. Always true: the whole set is replaced
 * at once, within a second of a committed change anywhere, because a trigger notifies every replica; a re-read after
 * each gap in the notifications and every half minute is the net under it.
 */
@Injectable()
export class SettingsService implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(SettingsService.name);
  private values: ReadonlyMap<string, unknown> = new Map();
  private readonly listeners: (() => void)[] = [];
  private reading: Promise<void> | null = null;
  private again = false;
  private timer: NodeJS.Timeout;

  constructor(
    @InjectRepository(SystemConfiguration) private readonly rows: Repository<SystemConfiguration>,
    private readonly schemas: JsonSchemas,
    private readonly secrets: SecretBox,
    private readonly notifications: Notifications,
  ) {}

  async onModuleInit(): Promise<void> {
    this.notifications.on('settings', () => void this.refresh());
    this.notifications.onGap(() => this.refresh());
    this.timer = setInterval(() => void this.refresh(), REREAD_MS).unref();
    await this.read();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  get<T>(setting: Setting<T>): T {
    const value = this.values.get(setting.key);
    return value === undefined ? setting.default : (value as T);
  }

  /** The value of a secret that an operator keeps under this key; undefined when there is none. */
  secret(key: string): unknown {
    return this.values.get(key);
  }

  /** Calls the listener after each change of the set. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Reads the set anew. A change that is notified while a read is under way is caught by one more read. */
  async refresh(): Promise<void> {
    if (this.reading) {
      this.again = true;
      return this.reading;
    }
    this.reading = this.read()
      .catch((error: Error) => this.logger.warn(`settings not re-read: ${error.message}`))
      .finally(() => (this.reading = null));
    await this.reading;
    if (this.again) {
      this.again = false;
      await this.refresh();
    }
  }

  private async read(): Promise<void> {
    const rows = await this.rows.find();
    this.values = new Map(rows.flatMap((row) => (this.usable(row) ? [[row.key, this.reveal(row)]] : [])));
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
    return visibility === 'secret' ? this.secrets.open(key, value) : value;
  }
}
