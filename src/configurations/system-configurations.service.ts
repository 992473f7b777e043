import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type Actor } from '../common/principal';
import { Transactions } from '../database/transactions';
import { cursorPosition, type Page, pageSize, toPage } from '../http/page';
import { CurrentSettings } from '../settings/current-settings.service';
import { ConfigurationDto } from '../settings/dto/configuration.dto';
import { SystemConfiguration } from '../settings/entities/system-configuration.entity';
import { assertGivenPreconditions, assertPreconditions, currentOf, type Preconditions } from '../settings/preconditions';
import { declaredSettings } from '../settings/setting';
import { type SettingDefinition, SettingDefinitions } from '../settings/setting-definitions';
import { SettingWriter } from '../settings/setting-writer.service';
import { ApprovalRequired, UnknownSetting } from '../settings/settings.errors';
import { SettingsService } from '../settings/settings.service';
import { SystemSettingsRepository } from '../settings/system-settings.repository';
import { UserConfigurationsRepository } from '../user-configurations/user-configurations.repository';
import { ConfigurationsSettings } from './configurations.settings';
import { ConfigurationPreviewDto } from './dto/configuration-preview.dto';
import { ListConfigurationsQuery } from './dto/list-configurations.dto';
import { PutConfigurationDto } from './dto/put-configuration.dto';

/**
 * Settings of the whole system. Always true: the row equals the content of the newest version, versions of a key are
 * numbered without gaps, of two writers who saw the same version one is refused as late, and a secret was never
 * stored in the open. Where changes must be approved, nothing is written here.
 */
@Injectable()
export class SystemConfigurationsService {
  constructor(
    private readonly repository: SystemSettingsRepository,
    private readonly users: UserConfigurationsRepository,
    private readonly definitions: SettingDefinitions,
    private readonly settings: SettingsService,
    private readonly current: CurrentSettings,
    private readonly writer: SettingWriter,
    private readonly dataSource: DataSource,
    private readonly transactions: Transactions,
  ) {}

  /** By key. Users see what is public, administrators everything. */
  async list(isAdmin: boolean, query: ListConfigurationsQuery): Promise<Page<ConfigurationDto>> {
    const { limit: _, cursor, ...chosen } = query;
    const filters = { list: 'configurations', ...chosen, isAdmin };
    const after = cursorPosition(cursor, filters) ?? '';
    await this.current.makeDue();
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
    const { state, current } = await this.current.read(key);
    if (current === null || !isVisible(current, isAdmin)) throw new UnknownSetting(key);
    return this.definitions.toDto(current, state, isAdmin);
  }

  /**
   * Creates or replaces a setting; `created` shows which.
   * @throws ApprovalRequired, ValidationProblem, PreconditionRequired, StaleVersion
   */
  async put(actor: Actor, key: string, dto: PutConfigurationDto, preconditions: Preconditions): Promise<{ setting: ConfigurationDto; created: boolean }> {
    this.assertMayWrite();
    return this.inForce((tx) => this.writer.write(tx, actor, key, dto, (reading) => assertPreconditions(preconditions, currentOf(reading))));
  }

  /** What `put` would answer and whom it would touch; changes nothing. @throws ValidationProblem, StaleVersion */
  async preview(key: string, dto: PutConfigurationDto, preconditions: Preconditions): Promise<ConfigurationPreviewDto> {
    const reading = await this.current.read(key);
    assertGivenPreconditions(preconditions, currentOf(reading));
    const next = await this.writer.next(this.dataSource.manager, key, reading.current, dto);
    const row = { value: dto.value, updatedAt: reading.state.row?.updatedAt ?? null } as SystemConfiguration;
    return { ...this.definitions.toDto(next, { row, version: reading.state.version + 1 }, true), ...(await this.impact(key, next)) };
  }

  /** What the setting would be after `delete`. @throws UnknownSetting, StaleVersion */
  async previewDelete(key: string, preconditions: Preconditions): Promise<ConfigurationPreviewDto> {
    const reading = await this.current.read(key);
    const { state, current } = reading;
    if (current === null) throw new UnknownSetting(key);
    assertGivenPreconditions(preconditions, currentOf(reading));
    const next = this.definitions.of(key, null);
    const version = state.row === null ? state.version : state.version + 1;
    const gone = { ...this.definitions.toDto(current, state, true), value: null, version, overridable: false };
    return { ...(next ? this.definitions.toDto(next, { row: null, version }, true) : gone), ...(await this.impact(key, next)) };
  }

  /** Back to the default; an operator's own key is gone. @throws ApprovalRequired, UnknownSetting, PreconditionRequired, StaleVersion */
  async delete(actor: Actor, key: string, preconditions: Preconditions, reason?: string): Promise<void> {
    this.assertMayWrite();
    await this.inForce((tx) => this.writer.remove(tx, actor, key, reason, (reading) => assertPreconditions(preconditions, currentOf(reading))));
  }

  /** @throws ApprovalRequired when settings change by approved changes only */
  assertMayWrite(): void {
    if (this.settings.get(ConfigurationsSettings.approvalRequired)) throw new ApprovalRequired();
  }

  /** Runs the work in a transaction; what it wrote is in force in this process when this resolves, elsewhere a moment later. */
  async inForce<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    const result = await this.transactions.run(work);
    await this.settings.refresh().catch(() => undefined);
    return result;
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
}

function isVisible({ visibility }: SettingDefinition, isAdmin: boolean): boolean {
  return isAdmin || visibility === 'public';
}
