import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type ListQuery } from '../common/list-query.dto';
import { cursorPosition, type Page, pageSize, toPage } from '../common/page';
import { NotFoundProblem } from '../common/problem';
import { type SystemState } from './configurations.repository';
import { UserConfigurationDto } from './dto/configuration.dto';
import { withinLimits } from './effective-value';
import { type UserConfiguration } from './entities/user-configuration.entity';
import { type SettingDefinition, SettingDefinitions } from './setting-definitions';
import { SettingsService } from './settings.service';
import { UserConfigurationsRepository } from './user-configurations.repository';

interface PublicSetting {
  definition: SettingDefinition;
  state: SystemState;
  /** What users without a value of their own have. */
  inherited: UserConfigurationDto;
}

/**
 * What settings are for one user. Always true: the effective value is the user's own within the schema and bounds of
 * now, else the system's, else the declared default, and says which; only what is public is there at all. What all users
 * share is in memory, and one statement reads the user's own.
 */
@Injectable()
export class EffectiveSettings implements OnModuleInit {
  private shown: PublicSetting[] = [];

  constructor(
    private readonly repository: UserConfigurationsRepository,
    private readonly definitions: SettingDefinitions,
    private readonly settings: SettingsService,
  ) {}

  onModuleInit(): void {
    this.settings.onChange(() => this.take());
    this.take();
  }

  /** All public settings as they are for the user, by key. @throws NotFoundProblem */
  async list(userId: number, query: ListQuery): Promise<Page<UserConfigurationDto>> {
    const filters = { userId };
    const after = cursorPosition(query.cursor, filters) ?? '';
    const own = await this.repository.own(userId);
    if (own === null) throw new NotFoundProblem('user');
    const size = pageSize(query);
    // One generation of the settings for the whole answer, whatever changes meanwhile.
    const { shown } = this;
    const start = after === '' ? 0 : shown.findIndex(({ definition }) => definition.key > after);
    const page = start < 0 ? [] : shown.slice(start, start + size + 1);
    return toPage(page, size, filters, ({ definition }) => definition.key, ({ definition, state, inherited }) => {
      const row = own.get(definition.key);
      return row === undefined ? inherited : this.of(definition, state, row);
    });
  }

  /** One setting for the user whose own value this is. */
  of(definition: SettingDefinition, system: SystemState, own: UserConfiguration | null): UserConfigurationDto {
    const inherited = { ...this.definitions.toDto(definition, system, false), adjusted: null };
    if (own === null) return inherited;
    if (!definition.overridable) return { ...inherited, adjusted: 'inherited' };
    const { value, adjusted } = withinLimits(own.value, [definition.schema, definition.bounds], (v) => this.definitions.allowsOverride(definition, v));
    if (adjusted === 'inherited') return { ...inherited, adjusted };
    return { ...inherited, value, source: 'user', version: own.version, updatedAt: own.updatedAt, updatedBy: own.updatedBy, adjusted };
  }

  private take(): void {
    this.shown = [...this.settings.states].flatMap(([key, state]) => {
      const definition = this.definitions.of(key, state.row);
      return definition?.visibility === 'public' ? [{ definition, state, inherited: this.of(definition, state, null) }] : [];
    });
  }
}
