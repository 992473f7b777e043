import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, LessThan } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { type Actor } from '../common/principal';
import { Transactions } from '../database/transactions';
import { StaleVersion } from '../http/http.errors';
import { type ListQuery } from '../http/list-query.dto';
import { cursorPosition, type Page, pageSize } from '../http/page';
import { NotFoundProblem, ValidationProblem } from '../http/problem';
import { CurrentSettings } from '../settings/current-settings.service';
import { ConfigurationVersionDto } from '../settings/dto/configuration-version.dto';
import { UserConfigurationDto } from '../settings/dto/configuration.dto';
import { toHistory } from '../settings/history';
import { assertPreconditions, type Preconditions } from '../settings/preconditions';
import { declaredSettings } from '../settings/setting';
import { isKey, type SettingDefinition, SettingDefinitions } from '../settings/setting-definitions';
import { OutboxService } from '../outbox/outbox.service';
import { SettingWriter } from '../settings/setting-writer.service';
import { NotOverridable, TooManyOwnKeys, UnknownSetting } from '../settings/settings.errors';
import { SettingsService } from '../settings/settings.service';
import { PutUserConfigurationDto } from './dto/put-user-configuration.dto';
import { EffectiveSettings } from './effective-settings.service';
import { UserConfigurationVersion } from './entities/user-configuration-version.entity';
import { UserConfiguration } from './entities/user-configuration.entity';
import { UserConfigurationsRepository, type UserState } from './user-configurations.repository';
import { UserConfigurationsSettings } from './user-configurations.settings';

/** One setting for one user, as read at one moment. */
interface OwnReading {
  definition: SettingDefinition;
  own: UserState;
  effective: UserConfigurationDto;
  etag: string;
}

/**
 * What users set for themselves. Always true: a user's value is stored only when the setting is public, overridable and
 * the value within its schema and bounds at that moment; the newest version holds what is stored, or that nothing is.
 */
@Injectable()
export class UserConfigurationsService {
  constructor(
    private readonly repository: UserConfigurationsRepository,
    private readonly current: CurrentSettings,
    private readonly writer: SettingWriter,
    private readonly definitions: SettingDefinitions,
    private readonly effectiveSettings: EffectiveSettings,
    private readonly settings: SettingsService,
    private readonly audit: AuditService,
    private readonly outbox: OutboxService,
    private readonly dataSource: DataSource,
    private readonly transactions: Transactions,
  ) {}

  /** @throws UnknownSetting, NotFoundProblem */
  async get(userId: number, key: string): Promise<{ setting: UserConfigurationDto; etag: string }> {
    const { effective, etag } = await this.read(null, userId, key);
    return { setting: effective, etag };
  }

  /** @throws UnknownSetting, NotFoundProblem, NotOverridable, ValidationProblem, PreconditionRequired, StaleVersion, TooManyOwnKeys */
  async put(
    actor: Actor,
    userId: number,
    key: string,
    { value, reason }: PutUserConfigurationDto,
    preconditions: Preconditions,
  ): Promise<{ setting: UserConfigurationDto; etag: string }> {
    return this.transactions.run(async (tx) => {
      await this.repository.lock(tx, userId);
      const { definition, own, etag } = await this.read(tx, userId, key);
      if (!definition.overridable) throw new NotOverridable(key);
      assertPreconditions(preconditions, { etag, readable: true, written: own.row !== null });
      const errors = this.definitions.overrideErrors(definition, value);
      if (errors.length > 0) throw new ValidationProblem(errors);
      if (own.row === null) await this.assertRoom(tx, userId);
      await this.append(tx, actor, userId, key, own, { value }, etag, reason);
      await this.repository.put(tx, userId, key, value, own.version + 1, actor.id);
      const { effective, etag: next } = await this.read(tx, userId, key);
      return { setting: effective, etag: next };
    });
  }

  /** @throws TooManyOwnKeys */
  private async assertRoom(tx: EntityManager, userId: number): Promise<void> {
    const { maxPerUser } = UserConfigurationsSettings;
    const max = this.settings.get(maxPerUser);
    if ((await this.repository.count(tx, userId, declaredSettings().keys())) >= max) throw new TooManyOwnKeys(max, maxPerUser.key);
  }

  /** Back to the inherited value. @throws UnknownSetting, NotFoundProblem, PreconditionRequired, StaleVersion */
  async delete(actor: Actor, userId: number, key: string, preconditions: Preconditions, reason?: string): Promise<void> {
    await this.transactions.run(async (tx) => {
      await this.repository.lock(tx, userId);
      const { own, etag } = await this.read(tx, userId, key);
      assertPreconditions(preconditions, { etag, readable: true, written: own.row !== null });
      if (own.row === null) return;
      await this.append(tx, actor, userId, key, own, null, etag, reason);
      await tx.delete(UserConfiguration, { userId, key });
    });
  }

  /** The user's own values for the key, newest first. @throws UnknownSetting, NotFoundProblem */
  async history(userId: number, key: string, query: ListQuery): Promise<Page<ConfigurationVersionDto>> {
    await this.read(null, userId, key);
    const filters = { list: 'user-configuration-versions', userId, key };
    const before = cursorPosition(query.cursor, filters);
    const size = pageSize(query);
    const rows = await this.dataSource.getRepository(UserConfigurationVersion).find({
      where: { userId, key, ...(before === null ? {} : { version: LessThan(Number(before)) }) },
      order: { version: 'DESC' },
      take: size + 2,
    });
    return toHistory(rows, size, filters);
  }

  private async read(tx: EntityManager | null, userId: number, key: string): Promise<OwnReading> {
    if (!isKey(key)) throw new UnknownSetting(key);
    const { state: system, current: definition } = await (tx === null ? this.current.read(key) : this.writer.read(tx, key));
    const own = await this.repository.state(tx, userId, key);
    if (own === null) throw new NotFoundProblem('user');
    if (definition?.visibility !== 'public') throw new UnknownSetting(key);
    const effective = this.effectiveSettings.of(definition, system, own.row);
    return { definition, own, effective, etag: userEtag(own.version, system.version) };
  }

  private async append(
    tx: EntityManager,
    actor: Actor,
    userId: number,
    key: string,
    own: UserState,
    content: { value: unknown } | null,
    etag: string,
    reason?: string,
  ): Promise<void> {
    const appended = await this.repository.append(tx, userId, key, own.version, content, actor.id, reason ?? null);
    if (!appended) throw new StaleVersion(etag);
    await this.repository.forgetVersions(tx, userId, key, own.version + 1, this.settings.get(UserConfigurationsSettings.keptOwnVersions));
    const shown = (value: { value: unknown } | null) => value && { value: value.value, secret: false };
    await this.outbox.record(tx, { type: 'setting.changed', userId, data: { key, before: shown(own.row), after: shown(content) } });
    if (actor.id === userId) return;
    const action = content === null ? 'user-configuration.delete' : 'user-configuration.update';
    const before = own.row && { value: own.row.value };
    await this.audit.record(tx, actor, { action, target: ['user-configuration', `${userId}/${key}`], before, after: content, reason });
  }
}

/** The entity tag of an effective value: the versions of both that it is made of. */
function userEtag(own: number, system: number): string {
  return `"${own}.${system}"`;
}
