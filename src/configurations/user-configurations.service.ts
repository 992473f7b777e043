import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, LessThan } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { sqlState } from '../common/database-errors';
import { type ListQuery } from '../common/list-query.dto';
import { cursorPosition, type Page, pageSize, toPage } from '../common/page';
import { type Actor } from '../common/principal';
import { NotFoundProblem, ValidationProblem } from '../common/problem';
import { NotOverridable, StaleVersion, TooManyOwnKeys, UnknownSetting } from './configurations.errors';
import { ConfigurationsRepository, type SystemState, type UserState } from './configurations.repository';
import { UserConfigurationDto } from './dto/configuration.dto';
import { ConfigurationVersionDto } from './dto/configuration-version.dto';
import { PutUserConfigurationDto } from './dto/put-user-configuration.dto';
import { UserConfiguration } from './entities/user-configuration.entity';
import { UserConfigurationVersion } from './entities/user-configuration-version.entity';
import { withinBounds } from './effective-value';
import { toHistory } from './history';
import { JsonSchemas } from './json-schemas';
import { assertPrecondition, type Preconditions } from './preconditions';
import { declaredSettings } from './setting';
import { type SettingDefinition, SettingDefinitions } from './setting-definitions';

const MOST_OWN_KEYS = 200;

/**
 * What settings are for one user. Always true: the effective value is the user's own within the bounds of now, else the
 * system's, else the declared default, and says which; users see and set only what is public.
 */
@Injectable()
export class UserConfigurationsService {
  constructor(
    private readonly repository: ConfigurationsRepository,
    private readonly definitions: SettingDefinitions,
    private readonly schemas: JsonSchemas,
    private readonly audit: AuditService,
    private readonly dataSource: DataSource,
  ) {}

  /** All public settings as they are for the user, by key. */
  async list(userId: number, query: ListQuery): Promise<Page<UserConfigurationDto>> {
    const filters = { userId };
    const after = cursorPosition(query.cursor, filters) ?? '';
    const [{ rows, versions }, ownRows] = await Promise.all([this.repository.systemRows(), this.repository.userRows(userId)]);
    const written = new Map(rows.map((row) => [row.key, row]));
    const own = new Map(ownRows.map((row) => [row.key, row]));
    const page = [...new Set([...written.keys(), ...declaredSettings().keys()])].sort().flatMap((key) => {
      const row = written.get(key) ?? null;
      const definition = this.definitions.of(key, row);
      if (key <= after || definition?.visibility !== 'public') return [];
      return [this.effective(definition, { row, version: versions.get(key) ?? 0 }, own.get(key) ?? null)];
    });
    return toPage(page, pageSize(query), filters, (dto) => dto.key, (dto) => dto);
  }

  /** @throws UnknownSetting */
  async get(userId: number, key: string): Promise<UserConfigurationDto> {
    return (await this.read(this.dataSource.manager, userId, key)).effective;
  }

  /** @throws UnknownSetting, NotOverridable, ValidationProblem, PreconditionRequired, StaleVersion, TooManyOwnKeys */
  async put(actor: Actor, userId: number, key: string, dto: PutUserConfigurationDto, preconditions: Preconditions): Promise<UserConfigurationDto> {
    return this.dataSource.transaction(async (tx) => {
      const { definition, effective, own } = await this.read(tx, userId, key);
      assertPrecondition(preconditions, userEtag(effective), own.row !== null);
      if (!definition.overridable) throw new NotOverridable(key);
      const errors = this.definitions.valueErrors(definition.schema, dto.value);
      if (errors.length === 0 && definition.bounds) errors.push(...this.schemas.violations(definition.bounds, dto.value, '#/value'));
      if (errors.length > 0) throw new ValidationProblem(errors);
      if (own.row === null && !(await this.repository.mayAddKey(tx, userId, MOST_OWN_KEYS))) throw new TooManyOwnKeys(MOST_OWN_KEYS);
      await this.append(tx, actor, userId, key, own, { value: dto.value }, effective, dto.reason);
      await this.repository.putUserRow(tx, userId, key, dto.value, own.version + 1, actor.id);
      return (await this.read(tx, userId, key)).effective;
    });
  }

  /** Back to the inherited value. @throws UnknownSetting, PreconditionRequired, StaleVersion */
  async delete(actor: Actor, userId: number, key: string, preconditions: Preconditions, reason?: string): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      const { effective, own } = await this.read(tx, userId, key);
      assertPrecondition(preconditions, userEtag(effective), own.row !== null);
      if (own.row === null) return;
      await this.append(tx, actor, userId, key, own, null, effective, reason);
      await tx.delete(UserConfiguration, { userId, key });
    });
  }

  /** The user's own values for the key, newest first. @throws UnknownSetting */
  async history(userId: number, key: string, query: ListQuery): Promise<Page<ConfigurationVersionDto>> {
    await this.read(this.dataSource.manager, userId, key);
    const filters = { userId, key };
    const before = cursorPosition(query.cursor, filters);
    const size = pageSize(query);
    const rows = await this.dataSource.getRepository(UserConfigurationVersion).find({
      where: { userId, key, ...(before === null ? {} : { version: LessThan(Number(before)) }) },
      order: { version: 'DESC' },
      take: size + 2,
    });
    return toHistory(rows, size, filters);
  }

  private async read(tx: EntityManager, userId: number, key: string): Promise<{ definition: SettingDefinition; effective: UserConfigurationDto; own: UserState }> {
    const system = await this.repository.systemState(tx, key);
    const definition = this.definitions.of(key, system.row);
    if (definition?.visibility !== 'public') throw new UnknownSetting(key);
    const own = await this.repository.userState(tx, userId, key);
    return { definition, effective: this.effective(definition, system, own.row), own };
  }

  private effective(definition: SettingDefinition, system: SystemState, own: UserConfiguration | null): UserConfigurationDto {
    const inherited = { ...this.definitions.toDto(definition, system), adjusted: null };
    if (own === null || !definition.overridable) return { ...inherited, adjusted: own === null ? null : 'inherited' };
    const { value, adjusted } = withinBounds(own.value, definition.bounds, (v) => this.definitions.allowsOverride(definition, v));
    if (adjusted === 'inherited') return { ...inherited, adjusted };
    return { ...inherited, value, source: 'user', version: own.version, updatedAt: own.updatedAt, adjusted };
  }

  private async append(
    tx: EntityManager,
    actor: Actor,
    userId: number,
    key: string,
    own: UserState,
    content: { value: unknown } | null,
    effective: UserConfigurationDto,
    reason?: string,
  ): Promise<void> {
    const appended = await this.repository
      .appendUserVersion(tx, userId, key, own.version, content, actor.id, reason ?? null)
      .catch((error: unknown) => {
        throw sqlState(error) === '23503' ? new NotFoundProblem('user') : error;
      });
    if (!appended) throw new StaleVersion(userEtag(effective));
    if (actor.id === userId) return;
    const action = content === null ? 'user-configuration.delete' : 'user-configuration.update';
    const before = own.row && { value: own.row.value };
    await this.audit.record(tx, actor, { action, target: ['user-configuration', `${userId}/${key}`], before, after: content, reason });
  }
}

/** The entity tag of an effective value: where it comes from and which version of that it is. */
export function userEtag({ source, version }: UserConfigurationDto): string {
  return `"${source}-${version}"`;
}
