import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { cursorPosition, type Page, pageSize, toPage } from '../common/page';
import { type Actor } from '../common/principal';
import { ValidationProblem } from '../common/problem';
import { StaleVersion, UnknownSetting } from './configurations.errors';
import { ConfigurationsRepository, type SystemState } from './configurations.repository';
import { ConfigurationDto } from './dto/configuration.dto';
import { ConfigurationPreviewDto } from './dto/configuration-preview.dto';
import { ListConfigurationsQuery } from './dto/list-configurations.dto';
import { PutConfigurationDto } from './dto/put-configuration.dto';
import { SystemConfiguration } from './entities/system-configuration.entity';
import { assertGivenPreconditions, assertPreconditions, type Current, type Preconditions } from './preconditions';
import { SecretBox } from './secret-box';
import { declaredSettings } from './setting';
import { isKey, type SettingContent, type SettingDefinition, SettingDefinitions } from './setting-definitions';
import { SettingsService } from './settings.service';
import { UserConfigurationsRepository } from './user-configurations.repository';

/**
 * Settings of the whole system. Always true: the row equals the content of the newest version, versions of a key are
 * numbered without gaps, of two writers who saw the same version one is told that he is late, and a secret was never
 * stored in the open.
 */
@Injectable()
export class SystemConfigurationsService {
  constructor(
    private readonly repository: ConfigurationsRepository,
    private readonly users: UserConfigurationsRepository,
    private readonly definitions: SettingDefinitions,
    private readonly settings: SettingsService,
    private readonly secrets: SecretBox,
    private readonly audit: AuditService,
    private readonly dataSource: DataSource,
  ) {}

  /** By key. Users see what is public, administrators everything. */
  async list(isAdmin: boolean, query: ListConfigurationsQuery): Promise<Page<ConfigurationDto>> {
    const { limit: _, cursor, ...chosen } = query;
    const filters = { ...chosen, isAdmin };
    const after = cursorPosition(cursor, filters) ?? '';
    const page = [...(await this.repository.states(declaredSettings().keys()))].flatMap(([key, state]) => {
      const definition = this.definitions.of(key, state.row);
      if (key <= after || !key.startsWith(query.prefix ?? '') || definition === null || !isVisible(definition, isAdmin)) return [];
      if (query.visibility !== undefined && definition.visibility !== query.visibility) return [];
      return [this.definitions.toDto(definition, state, isAdmin)];
    });
    return toPage(
      page,
      pageSize(query),
      filters,
      (dto) => dto.key,
      (dto) => dto,
    );
  }

  /** @throws UnknownSetting */
  async get(isAdmin: boolean, key: string): Promise<ConfigurationDto> {
    if (!isKey(key)) throw new UnknownSetting(key);
    const state = await this.repository.state(this.dataSource.manager, key);
    const definition = this.definitions.of(key, state.row);
    if (definition === null || !isVisible(definition, isAdmin)) throw new UnknownSetting(key);
    return this.definitions.toDto(definition, state, isAdmin);
  }

  /**
   * Creates or replaces a setting; `created` tells which.
   * @throws ValidationProblem, PreconditionRequired, StaleVersion
   */
  async put(actor: Actor, key: string, dto: PutConfigurationDto, preconditions: Preconditions): Promise<{ setting: ConfigurationDto; created: boolean }> {
    return this.inForce((tx) => this.write(tx, actor, key, dto, (state, current) => assertPreconditions(preconditions, toCurrent(state, current))));
  }

  /** A participant of a transaction: `put` for one, a rollback, `config:apply` for many at once. `check` may refuse what it finds. */
  async write(
    tx: EntityManager,
    actor: Actor,
    key: string,
    dto: PutConfigurationDto,
    check: (state: SystemState, current: SettingDefinition | null) => void = () => undefined,
  ): Promise<{ setting: ConfigurationDto; created: boolean }> {
    const { state, current } = await this.lockAndRead(tx, key);
    check(state, current);
    const next = await this.next(tx, key, current, dto);
    const value = next.visibility === 'secret' ? this.secrets.seal(key, dto.value) : dto.value;
    await this.append(tx, actor, key, state, contentOf(next, value), dto.reason);
    const { declared: _, ...columns } = next;
    await this.repository.put(tx, { ...columns, value, version: state.version + 1, updatedBy: actor.id });
    return { setting: this.definitions.toDto(next, await this.repository.state(tx, key), true), created: current === null };
  }

  /** What `put` would answer and whom it would touch; changes nothing. @throws ValidationProblem, StaleVersion */
  async preview(key: string, dto: PutConfigurationDto, preconditions: Preconditions): Promise<ConfigurationPreviewDto> {
    const tx = this.dataSource.manager;
    const state = isKey(key) ? await this.repository.state(tx, key) : { row: null, version: 0 };
    const current = this.definitions.of(key, state.row);
    assertGivenPreconditions(preconditions, toCurrent(state, current));
    const next = await this.next(tx, key, current, dto);
    const row = { value: dto.value, updatedAt: state.row?.updatedAt ?? null } as SystemConfiguration;
    return { ...this.definitions.toDto(next, { row, version: state.version + 1 }, true), ...(await this.impact(key, next)) };
  }

  /** What the setting would be after `delete`. @throws UnknownSetting, StaleVersion */
  async previewDelete(key: string, preconditions: Preconditions): Promise<ConfigurationPreviewDto> {
    const setting = await this.get(true, key);
    const state = await this.repository.state(this.dataSource.manager, key);
    assertGivenPreconditions(preconditions, toCurrent(state, this.definitions.of(key, state.row)));
    const next = this.definitions.of(key, null);
    const version = state.row === null ? state.version : state.version + 1;
    const dto = next ? this.definitions.toDto(next, { row: null, version }, true) : { ...setting, value: null, version, overridable: false };
    return { ...dto, ...(await this.impact(key, next)) };
  }

  /** Back to the default; an operator's own key is gone. @throws UnknownSetting, PreconditionRequired, StaleVersion */
  async delete(actor: Actor, key: string, preconditions: Preconditions, reason?: string): Promise<void> {
    await this.inForce((tx) => this.remove(tx, actor, key, reason, (state, current) => assertPreconditions(preconditions, toCurrent(state, current))));
  }

  /** A participant of a transaction, like `write`. */
  async remove(
    tx: EntityManager,
    actor: Actor,
    key: string,
    reason?: string,
    check: (state: SystemState, current: SettingDefinition) => void = () => undefined,
  ): Promise<void> {
    const { state, current } = await this.lockAndRead(tx, key);
    if (current === null) throw new UnknownSetting(key);
    check(state, current);
    if (state.row === null) return;
    await this.append(tx, actor, key, state, null, reason);
    await tx.delete(SystemConfiguration, { key });
  }

  /** Runs the work in a transaction; what it wrote is in force in this process when this resolves, elsewhere a moment later. */
  async inForce<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    const result = await this.dataSource.transaction(work);
    await this.settings.refresh().catch(() => undefined);
    return result;
  }

  private async lockAndRead(tx: EntityManager, key: string): Promise<{ state: SystemState; current: SettingDefinition | null }> {
    if (!isKey(key)) return { state: { row: null, version: 0 }, current: null };
    await this.repository.lock(tx, key);
    const state = await this.repository.state(tx, key);
    return { state, current: this.definitions.of(key, state.row) };
  }

  private async next(tx: EntityManager, key: string, current: SettingDefinition | null, dto: PutConfigurationDto): Promise<SettingDefinition> {
    const next = this.definitions.next(key, current, dto);
    if (next.visibility !== 'secret' || current?.visibility === 'secret') return next;
    if (!(await this.repository.wasEverOpen(tx, key))) return next;
    const detail = 'cannot become secret: earlier values of this key stand readable in its history. Use another key';
    throw new ValidationProblem([{ pointer: '#/visibility', detail, code: 'was-not-secret' }]);
  }

  /** How many users have a value of their own, and for how many it would not count as it is. */
  async impact(key: string, next: SettingDefinition | null): Promise<{ overrides: number; overridesOutOfBounds: number }> {
    let [overrides, overridesOutOfBounds] = [0, 0];
    const counts = next !== null && next.overridable && next.visibility === 'public';
    for await (const { value } of this.users.valuesOf(key)) {
      overrides++;
      if (!counts || !this.definitions.allowsOverride(next, value)) overridesOutOfBounds++;
    }
    return { overrides, overridesOutOfBounds };
  }

  private async append(tx: EntityManager, actor: Actor, key: string, state: SystemState, content: SettingContent | null, reason?: string): Promise<void> {
    const appended = await this.repository.append(tx, key, state.version, content, actor.id, reason ?? null);
    if (!appended) throw new StaleVersion(systemEtag(state.version));
    const definition = this.definitions.of(key, state.row);
    const before = state.row && definition && contentOf(definition, state.row.value);
    const action = content === null ? 'configuration.delete' : state.row === null ? 'configuration.create' : 'configuration.update';
    await this.audit.record(tx, actor, { action, target: ['configuration', key], before: unsealed(before), after: unsealed(content), reason });
  }
}

/** The entity tag of a system setting: its version. */
export function systemEtag(version: number): string {
  return `"${version}"`;
}

function toCurrent({ row, version }: SystemState, definition: SettingDefinition | null): Current {
  return { etag: systemEtag(version), readable: definition !== null, written: row !== null };
}

function contentOf({ declared, key: _, ...rest }: SettingDefinition, value: unknown): SettingContent {
  return declared ? { value } : { value, ...rest };
}

/** A secret's ciphertext belongs in its row and versions, not in the audit log. */
function unsealed(content: SettingContent | null): SettingContent | null {
  return content?.visibility === 'secret' ? { ...content, value: null } : content;
}

function isVisible({ visibility }: SettingDefinition, isAdmin: boolean): boolean {
  return isAdmin || visibility === 'public';
}
