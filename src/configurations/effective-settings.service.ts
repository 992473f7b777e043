import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type ListQuery } from '../common/list-query.dto';
import { cursorPosition, pageSize, toPage } from '../common/page';
import { NotFoundProblem } from '../common/problem';
import { type SystemState } from './configurations.repository';
import { UserConfigurationDto } from './dto/configuration.dto';
import { type Adjustment, withinLimits } from './effective-value';
import { type UserConfiguration } from './entities/user-configuration.entity';
import { type SettingDefinition, SettingDefinitions } from './setting-definitions';
import { SettingsService } from './settings.service';
import { type OwnValue, UserConfigurationsRepository } from './user-configurations.repository';

/** A public setting, with the text of what is the same for many users. */
interface PublicSetting {
  definition: SettingDefinition;
  /** What users without a value of their own have, and those whose own does not count. */
  inherited: string;
  notCounted: string;
  /** The members that a user's own value leaves as they are. */
  unchanged: string;
}

/**
 * What settings are for one user. Always true: the effective value is the user's own within the schema and bounds of
 * now, else the system's, else the declared default, and says which; only what is public is there at all. What all users
 * share is in memory as JSON, and one statement reads the user's own.
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

  /** A page of all public settings as they are for the user, by key, as JSON. @throws NotFoundProblem */
  async list(userId: number, query: ListQuery): Promise<string> {
    const filters = { userId };
    const after = cursorPosition(query.cursor, filters) ?? '';
    const own = await this.repository.own(userId);
    if (own === null) throw new NotFoundProblem('user');
    const size = pageSize(query);
    // One generation of the settings for the whole answer, whatever changes meanwhile.
    const { shown } = this;
    const start = after === '' ? 0 : shown.findIndex(({ definition }) => definition.key > after);
    const rows = start < 0 ? [] : shown.slice(start, start + size + 1);
    const { items, nextCursor } = toPage(
      rows,
      size,
      filters,
      ({ definition }) => definition.key,
      (setting) => this.json(setting, own.get(setting.definition.key)),
    );
    return `{"items":[${items.join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`;
  }

  /** One setting for the user whose own value this is. */
  of(definition: SettingDefinition, system: SystemState, own: UserConfiguration | null): UserConfigurationDto {
    const inherited = { ...this.definitions.toDto(definition, system, false), adjusted: null };
    if (own === null) return inherited;
    const { value, adjusted } = this.counted(definition, own.value);
    if (adjusted === 'inherited') return { ...inherited, adjusted };
    return { ...inherited, value, source: 'user', version: own.version, updatedAt: own.updatedAt, updatedBy: own.updatedBy, adjusted };
  }

  /** The same as text. */
  private json({ definition, inherited, notCounted, unchanged }: PublicSetting, own: OwnValue | undefined): string {
    if (own === undefined) return inherited;
    const { value, adjusted } = this.counted(definition, own.value);
    if (adjusted === 'inherited') return notCounted;
    const changed = `"value":${JSON.stringify(value)},"source":"user","version":${own.version},"updatedAt":"${own.updatedAt}","updatedBy":${own.updatedBy}`;
    return `{${unchanged},${changed},"adjusted":${JSON.stringify(adjusted)}}`;
  }

  private counted(definition: SettingDefinition, value: unknown): { value: unknown; adjusted: Adjustment } {
    if (!definition.overridable) return { value: undefined, adjusted: 'inherited' };
    return withinLimits(value, [definition.schema, definition.bounds], (v) => this.definitions.allowsOverride(definition, v));
  }

  private take(): void {
    this.shown = [...this.settings.states].flatMap(([key, state]) => {
      const definition = this.definitions.of(key, state.row);
      if (definition?.visibility !== 'public') return [];
      const inherited = this.of(definition, state, null);
      const { schema, description, unit, visibility, overridable, bounds } = inherited;
      const unchanged = JSON.stringify({ key, schema, description, unit, visibility, overridable, bounds }).slice(1, -1);
      return [{ definition, inherited: JSON.stringify(inherited), notCounted: JSON.stringify({ ...inherited, adjusted: 'inherited' }), unchanged }];
    });
  }
}
