import { Injectable } from '@nestjs/common';
import { DataSource, LessThan } from 'typeorm';
import { type ListQuery } from '../common/list-query.dto';
import { cursorPosition, type Page, pageSize } from '../common/page';
import { type Actor } from '../common/principal';
import { SecretUnreadable, UnknownSetting } from './configurations.errors';
import { ConfigurationsRepository } from './configurations.repository';
import { ConfigurationDto } from './dto/configuration.dto';
import { ConfigurationPreviewDto } from './dto/configuration-preview.dto';
import { ConfigurationVersionDto } from './dto/configuration-version.dto';
import { PutConfigurationDto } from './dto/put-configuration.dto';
import { RollbackConfigurationDto } from './dto/rollback-configuration.dto';
import { SystemConfigurationVersion } from './entities/system-configuration-version.entity';
import { openVersion, toHistory } from './history';
import { assertGivenPreconditions, type Preconditions } from './preconditions';
import { SecretBox } from './secret-box';
import { declaredSettings } from './setting';
import { isKey, NEW, type SettingContent, SettingDefinitions } from './setting-definitions';
import { systemEtag, SystemConfigurationsService } from './system-configurations.service';

/** The versions of system settings: to look at, and to go back to. Always true: no version is ever changed or lost, and none shows a secret. */
@Injectable()
export class ConfigurationHistoryService {
  constructor(
    private readonly configurations: SystemConfigurationsService,
    private readonly repository: ConfigurationsRepository,
    private readonly definitions: SettingDefinitions,
    private readonly secrets: SecretBox,
    private readonly dataSource: DataSource,
  ) {}

  /** Newest first. To users: of public settings, what was public, without who and why. @throws UnknownSetting */
  async history(isAdmin: boolean, key: string, query: ListQuery): Promise<Page<ConfigurationVersionDto>> {
    const filters = { key, isAdmin };
    const before = cursorPosition(query.cursor, filters);
    if (!isAdmin) await this.configurations.get(false, key);
    const size = pageSize(query);
    const rows = isKey(key)
      ? await this.dataSource.getRepository(SystemConfigurationVersion).find({
          where: { key, ...(before === null ? {} : { version: LessThan(Number(before)) }) },
          order: { version: 'DESC' },
          take: size + 2,
        })
      : [];
    const declared = declaredSettings().has(key);
    if (rows.length === 0 && before === null && !declared) throw new UnknownSetting(key);
    return toHistory(isAdmin ? rows : rows.map((row) => openVersion(row, declared)), size, filters);
  }

  /**
   * Makes an earlier version the newest one: a version of its own.
   * @throws UnknownSetting when there is no such version, ValidationProblem when its value breaks the schema of now, StaleVersion, SecretUnreadable
   */
  async rollback(actor: Actor, key: string, { version, reason }: RollbackConfigurationDto, preconditions: Preconditions): Promise<ConfigurationDto> {
    const target = await this.target(key, version);
    const why = reason ?? `rollback to version ${version}`;
    return this.configurations.inForce(async (tx) => {
      const check = (state: { version: number; row: unknown }) =>
        assertGivenPreconditions(preconditions, { etag: systemEtag(state.version), readable: true, written: state.row !== null });
      if (target !== null) return (await this.configurations.write(tx, actor, key, { ...target, reason: why }, check)).setting;
      const state = await this.repository.state(tx, key);
      const definition = this.definitions.of(key, state.row) ?? { ...NEW, key };
      if (state.row === null) check(state);
      else await this.configurations.remove(tx, actor, key, why, check);
      return this.definitions.toDto(definition, await this.repository.state(tx, key), true);
    });
  }

  /** What `rollback` would answer and whom it would touch; changes nothing. */
  async preview(key: string, { version }: RollbackConfigurationDto, preconditions: Preconditions): Promise<ConfigurationPreviewDto> {
    const target = await this.target(key, version);
    return target === null ? this.configurations.previewDelete(key, preconditions) : this.configurations.preview(key, target, preconditions);
  }

  /** What the key was made to be by that version; null: back to the default. */
  private async target(key: string, version: number): Promise<PutConfigurationDto | null> {
    const found = isKey(key) ? await this.dataSource.getRepository(SystemConfigurationVersion).findOneBy({ key, version }) : null;
    if (found === null) throw new UnknownSetting(`${key}, version ${version}`);
    if (found.content === null) return null;
    const content = found.content as SettingContent;
    if (declaredSettings().has(key)) return { value: content.value };
    if (content.visibility !== 'secret') return content;
    const value = this.secrets.open(key, content.value);
    if (value === undefined) throw new SecretUnreadable(key);
    return { ...content, value };
  }
}
