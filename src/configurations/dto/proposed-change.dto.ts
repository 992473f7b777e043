import { ApiProperty } from '@nestjs/swagger';
import { jsonDiff } from '../../common/json-diff';
import { AnyJson } from '../../openapi/declarations';
import { type ChangeOnBase } from '../../settings/changes.repository';
import { type ConfigurationChangeDto } from '../../settings/dto/configuration-version.dto';
import { CHANGE_STATUSES, type ChangeStatus } from '../../settings/entities/system-configuration-change.entity';
import { withoutSecret } from '../../settings/history';

export class ProposedChangeDto {
  id: number;
  key: string;
  /** `proposed` waits for an approval, `approved` for its instant. `stale`: the setting has a newer version than the change was made for. `failed`: see `error`. */
  @ApiProperty({ enum: CHANGE_STATUSES })
  status: ChangeStatus;
  /** The value that the setting is to have; null when it is to go back to its default, and for a secret. */
  @AnyJson()
  value: unknown;
  /** True when it takes the setting back to its default. */
  deletes: boolean;
  /** Against the version that it is on top of. */
  changes: ConfigurationChangeDto[];
  /** The version that it is on top of: it never takes effect on top of another. */
  baseVersion: number;
  /** The version that it became; null unless applied. */
  version: number | null;
  requiresApproval: boolean;
  /** From when on it is in force; null: as soon as it may. */
  effectiveAt: Date | null;
  reason: string | null;
  /** The user who proposed it. */
  author: number;
  createdAt: Date;
  /** The user who approved it. */
  approvedBy: number | null;
  approvedAt: Date | null;
  /** The user who withdrew it, or who made the version that made it stale. */
  endedBy: number | null;
  endedAt: Date | null;
  /** Why it could not take effect. */
  error: string | null;

  static of({ base, content, ...change }: ChangeOnBase): ProposedChangeDto {
    const [before, after] = [withoutSecret(base), withoutSecret(content)];
    return { ...change, value: after?.value ?? null, deletes: content === null, changes: jsonDiff(before ?? {}, after ?? {}) };
  }
}

export class ProposedChangePage {
  items: ProposedChangeDto[];
  /** Null at the end. */
  nextCursor: string | null;
}
