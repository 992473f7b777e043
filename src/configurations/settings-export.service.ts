import { Injectable } from '@nestjs/common';
import { NEW, SettingDefinitions } from '../settings/setting-definitions';
import { SystemSettingsRepository } from '../settings/system-settings.repository';
import { type SettingsDocument } from './settings-document';

/** What operators changed, as a file that `config:apply` takes back. Always true: no secret is in it. */
@Injectable()
export class SettingsExportService {
  constructor(
    private readonly repository: SystemSettingsRepository,
    private readonly definitions: SettingDefinitions,
  ) {}

  /** Every written setting by key: the value alone of a declared one, and of an operator's what differs from a new key. */
  async export(): Promise<SettingsDocument> {
    const document: SettingsDocument = new Map();
    for (const [key, { row }] of await this.repository.states([])) {
      const definition = row && this.definitions.of(key, row);
      if (!definition) continue;
      const { declared, key: _, ...rest } = definition;
      const given = declared ? [] : Object.entries(rest).filter(([name, field]) => field !== NEW[name as keyof typeof NEW]);
      const value = definition.visibility === 'secret' ? {} : { value: row.value };
      document.set(key, { ...value, ...Object.fromEntries(given) });
    }
    return document;
  }
}
