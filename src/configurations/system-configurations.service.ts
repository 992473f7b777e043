import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, LessThan } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { type ListQuery } from '../common/list-query.dto';
import { cursorPosition, type Page, pageSize, toPage } from '../common/page';
import { type Actor } from '../common/principal';
import { StaleVersion, UnknownSetting } from './configurations.errors';
import { ConfigurationsRepository, type SystemState } from './configurations.repository';
import { ConfigurationDto } from './dto/configuration.dto';
import { ConfigurationPreviewDto } from './dto/configuration-preview.dto';
import { ConfigurationVersionDto } from './dto/configuration-version.dto';
import { ListConfigurationsQuery } from './dto/list-configurations.dto';
import { PutConfigurationDto } from './dto/put-configuration.dto';
import { SystemConfiguration } from './entities/system-configuration.entity';
import { SystemConfigurationVersion } from './entities/system-configuration-version.entity';
import { toHistory } from './history';
import { assertPrecondition, type Preconditions } from './preconditions';
import { SecretBox } from './secret-box';
import { declaredSettings } from './setting';
import { type SettingContent, type SettingDefinition, SettingDefinitions } from './setting-definitions';

/**
 * Settings of the whole system. Always true: the row equals the content of the newest version, versions of a key are
 * numbered without gaps, and of two writers who saw the same version one is told that he is late.
 */
@Injectable()
export class SystemConfigurationsService {
  constructor(
    private readonly repository: ConfigurationsRepository,
    private readonly definitions: SettingDefinitions,
    private readonly secrets: SecretBox,
    private readonly audit: AuditService,
    private readonly dataSource: DataSource,
  ) {}

  /** By key. Users see what is public, administrators everything. */
  async list(isAdmin: boolean, query: ListConfigurationsQuery): Promise<Page<ConfigurationDto>> {
    const { limit: _, cursor, ...chosen } = query;
    const filters = { ...chosen, isAdmin };
    const after = cursorPosition(cursor, filters) ?? '';
    const { rows, versions } = await this.repository.systemRows(query.prefix);
    const written = new Map(rows.map((row) => [row.key, row]));
    const keys = new Set([...written.keys(), ...[...declaredSettings().keys()].filter((key) => key.startsWith(query.prefix ?? ''))]);
    const page = [...keys].sort().flatMap((key) => {
      const row = written.get(key) ?? null;
      const definition = this.definitions.of(key, row);
      if (key <= after || definition === null || !isVisible(definition, isAdmin)) return [];
      if (query.visibility !== undefined && definition.visibility !== query.visibility) return [];
      return [this.definitions.toDto(definition, { row, version: versions.get(key) ?? 0 })];
    });
    return toPage(page, pageSize(query), filters, (dto) => dto.key, (dto) => dto);
  }

  /** @throws UnknownSetting */
  async get(isAdmin: boolean, key: string): Promise<ConfigurationDto> {
    const state = await this.repository.systemState(this.dataSource.manager, key);
    const definition = this.definitions.of(key, state.row);
    if (definition === null || !isVisible(definition, isAdmin)) throw new UnknownSetting(key);
    return this.definitions.toDto(definition, state);
  }

  /** @throws ValidationProblem, PreconditionRequired, StaleVersion */
  async put(actor: Actor, key: string, dto: PutConfigurationDto, preconditions: Preconditions): Promise<ConfigurationDto> {
    return this.dataSource.transaction((tx) => this.write(tx, actor, key, dto, preconditions));
  }

  /** A participant of a transaction: `put` for one, `config:apply` for many at once. */
  async write(tx: EntityManager, actor: Actor, key: string, dto: PutConfigurationDto, preconditions: Preconditions | null): Promise<ConfigurationDto> {
    const state = await this.repository.systemState(tx, key);
    if (preconditions) assertPrecondition(preconditions, systemEtag(state.version), state.row !== null);
    const current = this.definitions.of(key, state.row);
    const next = this.definitions.next(key, current, dto);
    const value = next.visibility === 'secret' ? this.secrets.seal(key, dto.value) : dto.value;
    const content = contentOf(next, value);
    await this.append(tx, actor, key, state, content, dto.reason);
    const { declared: _, ...columns } = next;
    await this.repository.putSystemRow(tx, { ...columns, value, version: state.version + 1, updatedBy: actor.id });
    return this.definitions.toDto(next, await this.repository.systemState(tx, key));
  }

  /** What `put` would answer and whom it would touch; changes nothing. */
  async preview(key: string, dto: PutConfigurationDto): Promise<ConfigurationPreviewDto> {
    const state = await this.repository.systemState(this.dataSource.manager, key);
    const next = this.definitions.next(key, this.definitions.of(key, state.row), dto);
    let [overrides, overridesOutOfBounds] = [0, 0];
    for await (const { value } of this.repository.userValues(key)) {
      overrides++;
      if (!this.definitions.allowsOverride(next, value)) overridesOutOfBounds++;
    }
    const row = { value: dto.value, updatedAt: state.row?.updatedAt ?? null } as SystemConfiguration;
    return { ...this.definitions.toDto(next, { row, version: state.version + 1 }), overrides, overridesOutOfBounds };
  }

  /** Back to the default; an operator's own key is gone. @throws UnknownSetting, PreconditionRequired, StaleVersion */
  async delete(actor: Actor, key: string, preconditions: Preconditions, reason?: string): Promise<void> {
    await this.dataSource.transaction((tx) => this.remove(tx, actor, key, preconditions, reason));
  }

  /** A participant of a transaction, like `write`. */
  async remove(tx: EntityManager, actor: Actor, key: string, preconditions: Preconditions | null, reason?: string): Promise<void> {
    const state = await this.repository.systemState(tx, key);
    if (this.definitions.of(key, state.row) === null) throw new UnknownSetting(key);
    if (preconditions) assertPrecondition(preconditions, systemEtag(state.version), state.row !== null);
    if (state.row === null) return;
    await this.append(tx, actor, key, state, null, reason);
    await tx.delete(SystemConfiguration, { key });
  }

  /** Newest first. @throws UnknownSetting */
  async history(key: string, query: ListQuery): Promise<Page<ConfigurationVersionDto>> {
    const before = cursorPosition(query.cursor, { key });
    const size = pageSize(query);
    const rows = await this.dataSource.getRepository(SystemConfigurationVersion).find({
      where: { key, ...(before === null ? {} : { version: LessThan(Number(before)) }) },
      order: { version: 'DESC' },
      take: size + 2,
    });
    if (rows.length === 0 && !declaredSettings().has(key)) throw new UnknownSetting(key);
    return toHistory(rows, size, { key });
  }

  /**
   * Makes an earlier version the newest one.
   * @throws UnknownSetting when there is no such version, ValidationProblem when its value breaks the schema of now
   */
  async rollback(actor: Actor, key: string, version: number, preconditions: Preconditions, reason?: string): Promise<ConfigurationDto> {
    return this.dataSource.transaction(async (tx) => {
      const target = await tx.findOneBy(SystemConfigurationVersion, { key, version });
      if (target === null) throw new UnknownSetting(`${key}, version ${version}`);
      const state = await this.repository.systemState(tx, key);
      if (preconditions.ifMatch !== undefined) assertPrecondition(preconditions, systemEtag(state.version), state.row !== null);
      const why = reason ?? `rollback to version ${version}`;
      if (target.content === null) {
        await this.remove(tx, actor, key, null, why);
        const now = await this.repository.systemState(tx, key);
        const definition = this.definitions.of(key, null);
        return definition ? this.definitions.toDto(definition, now) : { ...GONE, key, version: now.version };
      }
      const content = target.content as SettingContent;
      const sealed = content.visibility === 'secret';
      const value = sealed ? this.secrets.open(key, content.value) : content.value;
      return this.write(tx, actor, key, { ...content, value, reason: why }, null);
    });
  }

  private async append(tx: EntityManager, actor: Actor, key: string, state: SystemState, content: SettingContent | null, reason?: string): Promise<void> {
    const appended = await this.repository.appendSystemVersion(tx, key, state.version, content, actor.id, reason ?? null);
    if (!appended) throw new StaleVersion(systemEtag(state.version));
    const before = state.row && contentOf({ ...state.row, declared: declaredSettings().has(key) } as SettingDefinition, state.row.value);
    const action = content === null ? 'configuration.delete' : state.row === null ? 'configuration.create' : 'configuration.update';
    await this.audit.record(tx, actor, { action, target: ['configuration', key], before: unsealed(before), after: unsealed(content), reason });
  }
}

/** The entity tag of a system setting: its version. */
export function systemEtag(version: number): string {
  return `"${version}"`;
}

function contentOf({ declared, key: _, schema, description, visibility, overridable, bounds }: SettingDefinition, value: unknown): SettingContent {
  return declared ? { value } : { value, schema, description, visibility, overridable, bounds };
}

/** A secret's ciphertext belongs in its row and versions, not in the audit log. */
function unsealed(content: SettingContent | null): SettingContent | null {
  return content?.visibility === 'secret' ? { ...content, value: null } : content;
}

function isVisible({ visibility }: SettingDefinition, isAdmin: boolean): boolean {
  return isAdmin || visibility === 'public';
}

const GONE: ConfigurationDto = {
  key: '',
  value: null,
  source: 'default',
  version: 0,
  schema: null,
  description: '',
  visibility: 'internal',
  overridable: false,
  bounds: null,
  updatedAt: null,
};
