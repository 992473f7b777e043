import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { jsonDiff, sameJson } from '../common/json-diff';
import { type Actor } from '../common/principal';
import { ValidationProblem } from '../http/problem';
import { checkBody } from '../http/validation.pipe';
import { CreateTierDto } from '../tiers/dto/create-tier.dto';
import { UpdateTierDto } from '../tiers/dto/update-tier.dto';
import { type Tier } from '../tiers/entities/tier.entity';
import { TiersService } from '../tiers/tiers.service';
import { type ApplyOptions, type ServiceChange } from './change';
import { Refusals } from './refusals';
import { type Entries, escaped } from './service-document';

type Entry = Record<string, unknown>;

/** Plans as a document declares them, by name. What an entry leaves out stays as it is. Takes part in its caller's transaction. */
@Injectable()
export class DeclaredTiers {
  constructor(private readonly tiers: TiersService) {}

  /** Every plan, as a document has it. */
  async export(tx: EntityManager): Promise<Entries> {
    return new Map((await this.tiers.allIn(tx)).map((tier) => [tier.name, contentOf(tier)]));
  }

  /** @throws ValidationProblem naming what is wrong, by place */
  async apply(tx: EntityManager, actor: Actor, entries: Entries, { prune, reason }: ApplyOptions): Promise<ServiceChange[]> {
    const by = { ...actor, reason };
    const before = await this.export(tx);
    const refusals = new Refusals();
    for (const [name, entry] of [...entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
      await refusals.gather(`#/tiers/${escaped(name)}`, () => this.put(tx, by, name, entry, before.get(name)));
    }
    for (const name of prune ? before.keys() : []) {
      if (!entries.has(name)) await refusals.gather(`#/tiers/${escaped(name)}`, () => this.tiers.deleteIn(tx, by, name));
    }
    refusals.end();
    const after = await this.export(tx);
    return [...new Set([...before.keys(), ...after.keys()])].flatMap((name) => changeOf(name, before.get(name), after.get(name)));
  }

  private async put(tx: EntityManager, actor: Actor, name: string, entry: Entry, before: Entry | undefined): Promise<void> {
    if ('name' in entry) throw new ValidationProblem([{ pointer: '#/name', detail: 'is no field here: the entry has its name', code: 'unknown' }]);
    const { archived, ...rest } = entry;
    const dto = checkBody(UpdateTierDto, entry);
    if (before === undefined) {
      await this.tiers.createIn(tx, actor, checkBody(CreateTierDto, { ...rest, name }));
      if (archived === true) await this.tiers.updateIn(tx, actor, name, { archived });
    } else if (Object.entries(entry).some(([field, value]) => !sameJson(before[field], value))) {
      await this.tiers.updateIn(tx, actor, name, dto);
    }
  }
}

function contentOf({
  dailyQuota,
  unlimited,
  burstPerMinute,
  dayStartsAt,
  overage,
  rollover,
  shadow,
  limits,
  maxInFlight,
  maxInFlightByType,
  sortOrder,
  archived,
}: Tier): Entry {
  return {
    ...(unlimited ? { unlimited } : { dailyQuota }),
    ...(burstPerMinute === null ? {} : { burstPerMinute }),
    ...(dayStartsAt === null ? {} : { dayStartsAt }),
    ...(overage === null ? {} : { overage }),
    ...(rollover === null ? {} : { rollover }),
    ...(limits === null ? {} : { limits }),
    ...(maxInFlight === null ? {} : { maxInFlight }),
    ...(maxInFlightByType === null ? {} : { maxInFlightByType }),
    ...(shadow ? { shadow } : {}),
    sortOrder,
    archived,
  };
}

function changeOf(name: string, before: Entry | undefined, after: Entry | undefined): ServiceChange[] {
  const changes = jsonDiff(before ?? {}, after ?? {});
  if (changes.length === 0) return [];
  return [{ kind: 'tier', name, action: before === undefined ? 'create' : after === undefined ? 'delete' : 'update', changes }];
}
