import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { KeptFresh } from '../database/kept-fresh';
import { Notifications } from '../database/notifications';
import { type SystemConfiguration } from './entities/system-configuration.entity';
import { SecretBox } from './secret-box';
import { declaredSettings, type Setting } from './setting';
import { SettingDefinitions } from './setting-definitions';
import { SystemSettingsRepository, type SystemState } from './system-settings.repository';

const REREAD_MS = 30_000;

interface Settings {
  /** Every setting that is declared or written, in order of the key. */
  states: ReadonlyMap<string, SystemState>;
  /** What is in force of those that are written. */
  values: ReadonlyMap<string, unknown>;
  /** Declared ones whose stored value breaks their schema. */
  unusable: ReadonlySet<string>;
}

/**
 * The settings in force, for the modules to read: from memory, typed, without I/O. Always true: the whole set is replaced
 * at once, within a second of a committed change anywhere, because a trigger notifies every replica; a re-read after
 * each gap in the notifications and every half minute is the net under it. A read that fails is tried again until it does not.
 */
@Injectable()
export class SettingsService implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(SettingsService.name);
  private readonly listeners: (() => void)[] = [];
  private readonly settings: KeptFresh<Settings>;

  constructor(
    private readonly repository: SystemSettingsRepository,
    private readonly definitions: SettingDefinitions,
    private readonly secrets: SecretBox,
    notifications: Notifications,
  ) {
    this.settings = new KeptFresh(notifications, {
      name: 'settings',
      channel: 'settings',
      initial: { states: new Map(), values: new Map(), unusable: new Set() },
      everyMs: REREAD_MS,
      read: () => this.read(),
      onRead: () => this.listeners.forEach((listener) => listener()),
    });
  }

  async onModuleInit(): Promise<void> {
    await this.settings.start();
  }

  onModuleDestroy(): void {
    this.settings.stop();
  }

  get<T>(setting: Setting<T>): T {
    const value = this.settings.value.values.get(setting.key);
    return value === undefined ? setting.default : (value as T);
  }

  /** The value of a secret that an operator keeps under this key; undefined when there is none. */
  secret(key: string): unknown {
    return this.settings.value.values.get(key);
  }

  /** Every setting that is declared or written, in order of the key. The map is replaced by another, never changed. */
  get states(): ReadonlyMap<string, SystemState> {
    return this.settings.value.states;
  }

  /** Declared settings that were broken past our checks: their defaults count. */
  get unusable(): ReadonlySet<string> {
    return this.settings.value.unusable;
  }

  /** Calls the listener after each read of the set. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Reads the set anew, and resolves when one read that began after the call is in force. */
  refresh(): Promise<void> {
    return this.settings.refresh();
  }

  private async read(): Promise<Settings> {
    const states = await this.repository.states(declaredSettings().keys());
    const values = new Map<string, unknown>();
    const unusable = new Set<string>();
    for (const [key, { row }] of states) {
      if (row === null) continue;
      if (this.definitions.counts(key, row.value)) values.set(key, this.reveal(row));
      else unusable.add(key);
    }
    for (const key of unusable) if (!this.unusable.has(key)) this.logger.error(`the stored value of ${key} breaks its schema: using the default`);
    return { states, values, unusable };
  }

  private reveal({ key, visibility, value }: SystemConfiguration): unknown {
    if (visibility !== 'secret') return value;
    const opened = this.secrets.open(key, value);
    if (opened === undefined) this.logger.error(`the secret ${key} cannot be opened with the keys that are given`);
    return opened;
  }
}
