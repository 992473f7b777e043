import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { jsonDiff, type JsonChange, sameJson } from '../common/json-diff';
import { type Actor } from '../common/principal';
import { Transactions } from '../database/transactions';
import { type FieldError, ValidationProblem } from '../http/problem';
import { checkBody } from '../http/validation.pipe';
import { SecretBox } from '../settings/secret-box';
import { declaredSettings } from '../settings/setting';
import { NEW, type SettingContent, SettingDefinitions } from '../settings/setting-definitions';
import { type SettingReading, SettingWriter } from '../settings/setting-writer.service';
import { SecretUnreadable } from '../settings/settings.errors';
import { SystemSettingsRepository } from '../settings/system-settings.repository';
import { PutConfigurationDto } from './dto/put-configuration.dto';
import { type SettingEntry, type SettingsDocument } from './settings-document';
import { SystemConfigurationsService } from './system-configurations.service';

export interface AppliedChange {
  key: string;
  action: 'create' | 'update' | 'delete';
  /** What changes; a secret's value is `(secret)`. */
  changes: JsonChange[];
  /** Users whose own values do not count as they are after it. */
  overridesOutOfBounds: number;
}

export interface ApplyOptions {
  dryRun: boolean;
  /** Also take back every written setting that the document does not name. */
  prune: boolean;
  reason: string;
}

const SECRET = '(secret)';
const { declared: _, ...UNGIVEN } = NEW;

/**
 * Makes the settings what a document holds. Always true: all of it or nothing; a second time changes nothing; a dry run does
 * the same work and takes it back, so what it shows is what would happen.
 */
@Injectable()
export class SettingsApplyService {
  constructor(
    private readonly configurations: SystemConfigurationsService,
    private readonly repository: SystemSettingsRepository,
    private readonly definitions: SettingDefinitions,
    private readonly writer: SettingWriter,
    private readonly secrets: SecretBox,
    private readonly transactions: Transactions,
  ) {}

  /** @throws ValidationProblem naming everything that is wrong, by key; SecretUnreadable */
  async apply(actor: Actor, document: SettingsDocument, { dryRun, prune, reason }: ApplyOptions): Promise<AppliedChange[]> {
    const work = (tx: EntityManager) => this.applyIn(tx, actor, document, { prune, reason });
    return dryRun ? this.transactions.tryOut(work) : this.configurations.inForce(work);
  }

  /** The same within its caller's transaction. */
  async applyIn(tx: EntityManager, actor: Actor, document: SettingsDocument, { prune, reason }: Omit<ApplyOptions, 'dryRun'>): Promise<AppliedChange[]> {
    const written = [...(await this.repository.states([], tx)).keys()];
    // In one order for everybody, because each key is locked to the end.
    const keys = [...new Set([...document.keys(), ...(prune ? written : [])])].sort();
    const applied: AppliedChange[] = [];
    const errors: FieldError[] = [];
    for (const key of keys) {
      const entry = document.get(key);
      try {
        const change = entry === undefined ? await this.remove(tx, actor, key, reason) : await this.put(tx, actor, key, entry, reason);
        if (change) applied.push(change);
      } catch (error) {
        if (!(error instanceof ValidationProblem)) throw error;
        errors.push(...error.errors.map((refusal) => ({ ...refusal, pointer: refusal.pointer.replace('#', `#/settings/${key}`) })));
      }
    }
    if (errors.length > 0) throw new ValidationProblem(errors);
    return applied;
  }

  private async put(tx: EntityManager, actor: Actor, key: string, entry: SettingEntry, reason: string): Promise<AppliedChange | null> {
    const before = this.content(await this.writer.lockAndRead(tx, key));
    const declared = declaredSettings().has(key);
    const { valueFromEnv: _, ...given } = entry;
    const value = this.valueOf(key, entry, before);
    const after = { ...(declared ? {} : UNGIVEN), ...given, value };
    if (before !== null && sameJson(before, after)) return null;
    const dto = checkBody(PutConfigurationDto, { ...after, reason });
    await this.writer.write(tx, actor, key, dto);
    return this.change(key, before === null ? 'create' : 'update', before, after, tx);
  }

  private async remove(tx: EntityManager, actor: Actor, key: string, reason: string): Promise<AppliedChange | null> {
    const before = this.content(await this.writer.lockAndRead(tx, key));
    if (before === null) return null;
    await this.writer.remove(tx, actor, key, reason);
    return this.change(key, 'delete', before, null, tx);
  }

  /** What is stored now, secrets opened: for comparing only. */
  private content({ state: { row }, current }: SettingReading): SettingContent | null {
    if (row === null || current === null) return null;
    const { declared, key, ...rest } = current;
    const value = current.visibility === 'secret' ? this.secrets.open(key, row.value) : row.value;
    return declared ? { value } : { ...rest, value };
  }

  private valueOf(key: string, { value, valueFromEnv, visibility }: SettingEntry, before: SettingContent | null): unknown {
    if (valueFromEnv !== undefined) {
      const given = process.env[valueFromEnv];
      if (given !== undefined) return given;
      throw new ValidationProblem([{ pointer: '#/valueFromEnv', detail: `names ${valueFromEnv}, which is not set`, code: 'not-set' }]);
    }
    if (value !== undefined || visibility !== 'secret' || before?.visibility !== 'secret') return value;
    if (before.value === undefined) throw new SecretUnreadable(key);
    return before.value;
  }

  private async change(
    key: string,
    action: AppliedChange['action'],
    before: SettingContent | null,
    after: SettingContent | null,
    tx: EntityManager,
  ): Promise<AppliedChange> {
    const secret = before?.visibility === 'secret' || after?.visibility === 'secret';
    const nothing = declaredSettings().has(key) ? {} : UNGIVEN;
    const changes = jsonDiff(before ?? nothing, after ?? nothing).map((change) =>
      secret && /^#\/value(\/|$)/.test(change.pointer)
        ? { pointer: '#/value', before: before ? SECRET : undefined, after: after ? SECRET : undefined }
        : change,
    );
    const definition = this.definitions.of(key, (await this.repository.state(tx, key)).row);
    const { overridesOutOfBounds } = await this.configurations.impact(key, definition);
    return { key, action, changes, overridesOutOfBounds };
  }
}
