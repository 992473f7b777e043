import { Injectable } from '@nestjs/common';
import { DataSource, LessThan } from 'typeorm';
import { type Actor } from '../common/principal';
import { type ListQuery } from '../http/list-query.dto';
import { cursorPosition, type Page, pageSize } from '../http/page';
import { ConfigurationVersionDto } from '../settings/dto/configuration-version.dto';
import { ConfigurationDto } from '../settings/dto/configuration.dto';
import { SystemConfigurationVersion } from '../settings/entities/system-configuration-version.entity';
import { openVersion, toHistory } from '../settings/history';
import { assertGivenPreconditions, currentOf, type Preconditions } from '../settings/preconditions';
import { declaredSettings } from '../settings/setting';
import { isKey, NEW, type SettingContent, SettingDefinitions } from '../settings/setting-definitions';
import { type SettingReading, SettingWriter } from '../settings/setting-writer.service';
import { UnknownSetting } from '../settings/settings.errors';
import { SystemSettingsRepository } from '../settings/system-settings.repository';
import { ConfigurationPreviewDto } from './dto/configuration-preview.dto';
import { PutConfigurationDto } from './dto/put-configuration.dto';
import { RollbackConfigurationDto } from './dto/rollback-configuration.dto';
import { SystemConfigurationsService } from './system-configurations.service';

/** The versions of system settings: to look at, and to go back to. Always true: no version is ever changed or lost, and none shows a secret. */
@Injectable()
export class ConfigurationHistoryService {
  constructor(
    private readonly configurations: SystemConfigurationsService,
    private readonly repository: SystemSettingsRepository,
    private readonly definitions: SettingDefinitions,
    private readonly writer: SettingWriter,
    private readonly dataSource: DataSource,
  ) {}

  /** Newest first. To users: of public settings, what was public, without who and why. @throws UnknownSetting */
  async history(isAdmin: boolean, key: string, query: ListQuery): Promise<Page<ConfigurationVersionDto>> {
    const filters = { list: 'configuration-versions', key, isAdmin };
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
   * @throws ApprovalRequired, UnknownSetting when there is no such version, ValidationProblem when its value breaks the schema of now, StaleVersion, SecretUnreadable
   */
  async rollback(actor: Actor, key: string, { version, reason }: RollbackConfigurationDto, preconditions: Preconditions): Promise<ConfigurationDto> {
    this.configurations.assertMayWrite();
    const target = await this.target(key, version);
    const why = reason ?? `rollback to version ${version}`;
    return this.configurations.inForce(async (tx) => {
      const check = (reading: SettingReading) => assertGivenPreconditions(preconditions, { ...currentOf(reading), readable: true });
      if (target !== null) return (await this.writer.write(tx, actor, key, { ...target, reason: why }, check)).setting;
      const reading = await this.writer.lockAndRead(tx, key);
      check(reading);
      if (reading.state.row !== null) await this.writer.remove(tx, actor, key, why);
      return this.definitions.toDto(reading.current ?? { ...NEW, key }, await this.repository.state(tx, key), true);
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
    return this.writer.writeOf(key, found.content as SettingContent);
  }
}
