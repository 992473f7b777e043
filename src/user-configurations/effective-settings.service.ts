import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type ListQuery } from '../http/list-query.dto';
import { cursorPosition, pageSize, toPage } from '../http/page';
import { NotFoundProblem } from '../http/problem';
import { type Adjustment, UserConfigurationDto } from '../settings/dto/configuration.dto';
import { type SettingDefinition, SettingDefinitions } from '../settings/setting-definitions';
import { SettingsService } from '../settings/settings.service';
import { type SystemState } from '../settings/system-settings.repository';
import { withinLimits } from './effective-value';
import { type UserConfiguration } from './entities/user-configuration.entity';
import { type OwnValue, UserConfigurationsRepository } from './user-configurations.repository';

/** A public setting, with the JSON of what is the same for many users. */
interface PublicSetting {
  definition: SettingDefinition;
  /** For users whose own value does not count. */
  notCounted: string;
  /** The members that a user's own value leaves as they are. */
  unchanged: string;
}

/** The public settings at one moment. Replaced by another, never changed. */
interface Generation {
  settings: PublicSetting[];
  /** All of them as they are for users without values of their own, a comma after each: most of any answer is a piece of this. */
  inherited: string;
  /** Where each begins in `inherited`, and where the last ends. */
  starts: number[];
}

/**
 * What settings are for one user. Always true: the effective value is the user's own within the schema and bounds of
 * now, else the system's, else the declared default, and shows which; only what is public is there at all. What all users
 * share is in memory as it is sent, and one statement reads the user's own.
 */
@Injectable()
export class EffectiveSettings implements OnModuleInit {
  private generation: Generation = { settings: [], inherited: '', starts: [0] };

  constructor(
    private readonly repository: UserConfigurationsRepository,
    private readonly definitions: SettingDefinitions,
    private readonly settings: SettingsService,
  ) {}

  onModuleInit(): void {
    this.settings.onChange(() => this.rebuild());
    this.rebuild();
  }

  /** A page of all public settings as they are for the user, by key, as JSON. @throws NotFoundProblem */
  async list(userId: number, query: ListQuery): Promise<string> {
    const filters = { list: 'user-configurations', userId };
    const after = cursorPosition(query.cursor, filters) ?? '';
    const own = await this.repository.own(userId);
    if (own === null) throw new NotFoundProblem('user');
    const size = pageSize(query);
    // One generation of the settings for the whole answer, whatever changes meanwhile.
    const { generation } = this;
    const { settings } = generation;
    const found = after === '' ? 0 : settings.findIndex(({ definition }) => definition.key > after);
    const start = found < 0 ? settings.length : found;
    const { items, nextCursor } = toPage(
      settings.slice(start, start + size + 1),
      size,
      filters,
      ({ definition }) => definition.key,
      (setting) => setting,
    );
    const text = this.pieces(generation, start, start + items.length, own);
    return `{"items":[${text.slice(0, -1)}],"nextCursor":${JSON.stringify(nextCursor)}}`;
  }

  /** One setting for the user whose own value this is. */
  of(definition: SettingDefinition, system: SystemState, own: UserConfiguration | null): UserConfigurationDto {
    const inherited = this.definitions.toDto(definition, system, false);
    if (own === null) return inherited;
    const { value, adjusted } = this.counted(definition, own.value);
    if (adjusted === 'inherited') return { ...inherited, adjusted };
    return { ...inherited, value, source: 'user', version: own.version, updatedAt: own.updatedAt, updatedBy: own.updatedBy, adjusted };
  }

  /** The settings from one place to another for the user with these values: what is inherited in as long pieces as there are. */
  private pieces({ settings, inherited, starts }: Generation, from: number, to: number, own: ReadonlyMap<string, OwnValue>): string {
    let text = '';
    let first = from;
    for (let i = from; i < to; i++) {
      const setting = settings[i] as PublicSetting;
      const value = own.get(setting.definition.key);
      if (value === undefined) continue;
      text += `${inherited.slice(starts[first], starts[i])}${this.json(setting, value)},`;
      first = i + 1;
    }
    return text + inherited.slice(starts[first], starts[to]);
  }

  private json({ definition, notCounted, unchanged }: PublicSetting, own: OwnValue): string {
    const { value, adjusted } = this.counted(definition, own.value);
    if (adjusted === 'inherited') return notCounted;
    const changed = `"value":${JSON.stringify(value)},"source":"user","version":${own.version},"updatedAt":"${own.updatedAt}","updatedBy":${own.updatedBy}`;
    return `{${unchanged},${changed},"adjusted":${JSON.stringify(adjusted)}}`;
  }

  private counted(definition: SettingDefinition, value: unknown): { value: unknown; adjusted: Adjustment } {
    if (!definition.overridable) return { value: undefined, adjusted: 'inherited' };
    return withinLimits(value, [definition.schema, definition.bounds], (v) => this.definitions.allowsOverride(definition, v));
  }

  private rebuild(): void {
    const generation: Generation = { settings: [], inherited: '', starts: [0] };
    for (const [key, state] of this.settings.states) {
      const definition = this.definitions.of(key, state.row);
      if (definition?.visibility !== 'public') continue;
      const inherited = this.of(definition, state, null);
      const { schema, description, unit, visibility, overridable, bounds } = inherited;
      const unchanged = JSON.stringify({ key, schema, description, unit, visibility, overridable, bounds }).slice(1, -1);
      generation.settings.push({ definition, notCounted: JSON.stringify({ ...inherited, adjusted: 'inherited' }), unchanged });
      generation.inherited += `${JSON.stringify(inherited)},`;
      generation.starts.push(generation.inherited.length);
    }
    this.generation = generation;
  }
}
