import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { type Actor } from '../common/principal';
import { StaleVersion } from '../http/http.errors';
import { Problem, ValidationProblem } from '../http/problem';
import { OutboxService } from '../outbox/outbox.service';
import { ChangesRepository } from './changes.repository';
import { ConfigurationDto } from './dto/configuration.dto';
import { type SystemConfigurationChange } from './entities/system-configuration-change.entity';
import { SystemConfiguration } from './entities/system-configuration.entity';
import { systemEtag } from './preconditions';
import { SecretBox } from './secret-box';
import { declaredSettings } from './setting';
import { isKey, type SettingContent, type SettingDefinition, SettingDefinitions, type SettingWrite } from './setting-definitions';
import { SecretUnreadable, UnknownSetting } from './settings.errors';
import { SystemSettingsRepository, type SystemState } from './system-settings.repository';

/** What is wrong with a value that its schema allows, as others than the setting know it; null: nothing. */
export type ValueCheck = (tx: EntityManager, value: unknown) => Promise<string | null>;

/** A key at one moment: what is stored, and what it means; null: nobody knows it. */
export interface SettingReading {
  state: SystemState;
  current: SettingDefinition | null;
}

export const UNKNOWN: SettingReading = { state: { row: null, version: 0 }, current: null };

/**
 * Makes the versions of system settings. Always true: whoever reads or writes a key through this finds what was due before
 * made first, so a change is in force from its instant on, whoever looks and whatever process was to make it; and a new
 * version ends every other change that waited for the one before. Takes part in its caller's transaction, and begins none.
 */
@Injectable()
export class SettingWriter {
  private readonly checks = new Map<string, ValueCheck>();

  constructor(
    private readonly repository: SystemSettingsRepository,
    private readonly changes: ChangesRepository,
    private readonly definitions: SettingDefinitions,
    private readonly secrets: SecretBox,
    private readonly audit: AuditService,
    private readonly outbox: OutboxService,
  ) {}

  /** Refuses values that do not pass the check, whoever writes them through the service; modules register theirs while they are initialised. */
  holdTo(key: string, check: ValueCheck): void {
    this.checks.set(key, check);
  }

  /** The key as it is, for a writer: nobody else changes it before the transaction ends. */
  async lockAndRead(tx: EntityManager, key: string): Promise<SettingReading> {
    if (!isKey(key)) return UNKNOWN;
    await this.repository.lock(tx, key);
    for (;;) {
      const { due, ...state } = await this.repository.state(tx, key);
      const reading = this.readingOf(key, state);
      const change = due ? await this.changes.due(tx, key) : null;
      if (change === null) return reading;
      await this.makeDue(tx, reading, change);
    }
  }

  /** The key as it is, for a reader. */
  async read(tx: EntityManager, key: string): Promise<SettingReading> {
    if (!isKey(key)) return UNKNOWN;
    const { due, ...state } = await this.repository.state(tx, key);
    return due ? this.lockAndRead(tx, key) : this.readingOf(key, state);
  }

  /** What the row of a key means. */
  readingOf(key: string, state: SystemState): SettingReading {
    return { state, current: this.definitions.of(key, state.row) };
  }

  /** `check` may refuse what it finds. @throws ValidationProblem, StaleVersion */
  async write(
    tx: EntityManager,
    actor: Actor,
    key: string,
    dto: SettingWrite,
    check: (reading: SettingReading) => void = () => undefined,
  ): Promise<{ setting: ConfigurationDto; created: boolean }> {
    const reading = await this.lockAndRead(tx, key);
    check(reading);
    const next = await this.next(tx, key, reading.current, dto);
    await this.store(tx, actor, reading.state, next, dto);
    return { setting: this.definitions.toDto(next, await this.repository.state(tx, key), true), created: reading.current === null };
  }

  /** Back to the default. @throws UnknownSetting, ValidationProblem when the default cannot be used now */
  async remove(tx: EntityManager, actor: Actor, key: string, reason?: string, check: (reading: SettingReading) => void = () => undefined): Promise<void> {
    const reading = await this.lockAndRead(tx, key);
    if (reading.current === null) throw new UnknownSetting(key);
    check(reading);
    await this.assertUsable(tx, key, declaredSettings().get(key)?.default);
    await this.revert(tx, actor, key, reading.state, reason);
  }

  /** What the key would be after the write. @throws ValidationProblem */
  async next(tx: EntityManager, key: string, current: SettingDefinition | null, dto: SettingWrite): Promise<SettingDefinition> {
    const next = this.definitions.next(key, current, dto);
    await this.assertUsable(tx, key, dto.value);
    if (next.visibility !== 'secret' || current?.visibility === 'secret') return next;
    if (!(await this.repository.wasEverOpen(tx, key))) return next;
    const detail = 'cannot become secret: earlier values of this key stand readable in its history. Use another key';
    throw new ValidationProblem([{ pointer: '#/visibility', detail, code: 'was-not-secret' }]);
  }

  /** A version's content of a value. */
  contentOf({ declared, key, ...rest }: SettingDefinition, value: unknown): SettingContent {
    const stored = rest.visibility === 'secret' ? this.secrets.seal(key, value) : value;
    return declared ? { value: stored } : { value: stored, ...rest };
  }

  /** The write that makes a content again. @throws SecretUnreadable */
  writeOf(key: string, content: SettingContent): SettingWrite {
    if (declaredSettings().has(key)) return { value: content.value };
    if (content.visibility !== 'secret') return content;
    const value = this.secrets.open(key, content.value);
    if (value === undefined) throw new SecretUnreadable(key);
    return { ...content, value };
  }

  /** Makes the version of a change that is due, or records why it cannot be. */
  private async makeDue(tx: EntityManager, { state, current }: SettingReading, change: SystemConfigurationChange): Promise<void> {
    const { id, key, baseVersion, content, author, reason } = change;
    if (state.version !== baseVersion) return this.changes.end(tx, id, 'stale', null, null);
    const actor: Actor = { kind: 'system', id: author, requestId: null };
    try {
      const dto = content && this.writeOf(key, content as SettingContent);
      const next = dto && (await this.next(tx, key, current, dto));
      await this.changes.end(tx, id, 'applied', state.version + 1, null);
      if (dto && next) await this.store(tx, actor, state, next, { ...dto, reason: reason ?? undefined });
      else await this.revert(tx, actor, key, state, reason ?? undefined);
    } catch (error) {
      // What was good when it was proposed may not be now: a release declares another schema, a zone is gone, a key is lost.
      if (!(error instanceof Problem)) throw error;
      await this.changes.end(tx, id, 'failed', null, error.message);
    }
  }

  private async store(tx: EntityManager, actor: Actor, state: SystemState, next: SettingDefinition, dto: SettingWrite): Promise<void> {
    const content = this.contentOf(next, dto.value);
    await this.append(tx, actor, next.key, state, content, dto.reason);
    const { declared: _, ...columns } = next;
    await this.repository.put(tx, { ...columns, value: content.value, version: state.version + 1, updatedBy: actor.id });
  }

  private async revert(tx: EntityManager, actor: Actor, key: string, state: SystemState, reason?: string): Promise<void> {
    if (state.row === null) return;
    await this.append(tx, actor, key, state, null, reason);
    await tx.delete(SystemConfiguration, { key });
  }

  private async append(tx: EntityManager, actor: Actor, key: string, state: SystemState, content: SettingContent | null, reason?: string): Promise<void> {
    const appended = await this.repository.append(tx, key, state.version, content, actor.id, reason ?? null);
    if (!appended) throw new StaleVersion(systemEtag(state.version));
    const definition = this.definitions.of(key, state.row);
    const { declared = false, key: _, ...rest } = definition ?? {};
    const before = state.row && { value: state.row.value, ...(declared ? {} : rest) };
    const action = content === null ? 'configuration.delete' : state.row === null ? 'configuration.create' : 'configuration.update';
    await this.audit.record(tx, actor, { action, target: ['configuration', key], before: unsealed(before), after: unsealed(content), reason });
    await this.outbox.record(tx, { type: 'setting.changed', userId: null, data: { key, before: shownValue(state.row), after: shownValue(content) } });
  }

  private async assertUsable(tx: EntityManager, key: string, value: unknown): Promise<void> {
    const detail = (await this.checks.get(key)?.(tx, value)) ?? null;
    if (detail !== null) throw new ValidationProblem([{ pointer: '#/value', detail, code: 'not-usable' }]);
  }
}

/** What events show of a stored value: null is the default, and a secret has none. */
function shownValue(content: { value?: unknown; visibility?: string } | null): { value: unknown; secret: boolean } | null {
  if (content === null) return null;
  const secret = content.visibility === 'secret';
  return { value: secret ? null : content.value, secret };
}

/** A secret's ciphertext belongs in its row and versions, not in the audit log. */
export function unsealed(content: SettingContent | null): SettingContent | null {
  return content?.visibility === 'secret' ? { ...content, value: null } : content;
}
