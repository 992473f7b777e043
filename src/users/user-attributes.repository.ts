import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { BoundedCache } from '../common/bounded-cache';
import { type Metadata, metadataAlternatives } from './metadata';

/** The next accounts, which are looked through first: of a common value they hold a page. */
const NEXT = 2_000;
const PAGE = 100;
/** Up to so many accounts with a filter's metadata are read at once. */
const MAX_RARE = 5_000;
/** Where there are more, so many accounts are looked through for a page: one in two hundred of a million is one in a hundred of these, or they are elsewhere. */
const MAX_WALKED = 10_000;
/** Values that many share are known as such for a while: to find that out, an index reads where all of them are. */
const KNOWN = 1_000;
const KNOWN_MS = 60_000;

interface FoundUsers {
  ids: number[];
  /** The last id that was looked at; null: these are all. */
  goesOnAfter: number | null;
}

/** What operators keep beside accounts. */
@Injectable()
export class UserAttributesRepository {
  private readonly common = new BoundedCache<string, true>(KNOWN, { ttl: KNOWN_MS });

  constructor(private readonly dataSource: DataSource) {}

  /** A participant of the transaction that holds the account's row: sets both. */
  async put(tx: EntityManager, userId: number, { externalId, metadata }: { externalId: string | null; metadata: Metadata }): Promise<void> {
    await tx.query(
      `INSERT INTO user_attributes (user_id, external_id, metadata) VALUES ($1, $2, $3::jsonb)
       ON CONFLICT (user_id) DO UPDATE SET external_id = excluded.external_id, metadata = excluded.metadata`,
      [userId, externalId, JSON.stringify(metadata)],
    );
  }

  /** A participant: gives a new account the external id, unless another one has it. */
  async claimExternalId(tx: EntityManager, userId: number, externalId: string): Promise<void> {
    await tx.query(`INSERT INTO user_attributes (user_id, external_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, [userId, externalId]);
  }

  async idsByExternalId(externalId: string, from: EntityManager = this.dataSource.manager): Promise<number[]> {
    const rows: { id: number }[] = await from.query(`SELECT user_id AS id FROM user_attributes WHERE external_id = $1`, [externalId]);
    return rows.map(({ id }) => id);
  }

  /**
   * Users after the id who have these members, in order. Common values are found among the next accounts, all of a rare one by the index; of what is
   * between, a bounded number of accounts is looked through: so a page costs about the same whatever the value and however many users.
   */
  async idsByMetadata(filter: Record<string, string>, afterId: number, from: EntityManager = this.dataSource.manager): Promise<FoundUsers> {
    const alternatives = metadataAlternatives(filter).map((members) => JSON.stringify(members));
    const next = await this.walk(alternatives, afterId, NEXT, from);
    if (next.goesOnAfter === null || next.ids.length > PAGE) return next;
    const name = alternatives[0] ?? '';
    if (!this.common.has(name)) {
      const rare: { id: number }[] = await from.query(`SELECT id FROM user_ids_by_metadata($1::jsonb[], $2) id ORDER BY id`, [alternatives, MAX_RARE + 1]);
      if (rare.length <= MAX_RARE) return { ids: rare.map(({ id }) => id).filter((id) => id > afterId), goesOnAfter: null };
      this.common.set(name, true);
    }
    const further = await this.walk(alternatives, next.goesOnAfter, MAX_WALKED - NEXT, from);
    return { ids: [...next.ids, ...further.ids], goesOnAfter: further.goesOnAfter };
  }

  private async walk(alternatives: string[], afterId: number, count: number, from: EntityManager): Promise<FoundUsers> {
    const [{ ids, last, walked }] = await from.query<[{ ids: number[] | null; last: number | null; walked: number }]>(
      `SELECT array_agg(user_id ORDER BY user_id) FILTER (WHERE metadata @> ANY ($1::jsonb[])) AS ids, max(user_id) AS last, count(*)::integer AS walked
       FROM (SELECT user_id, metadata FROM user_attributes WHERE user_id > $2 ORDER BY user_id LIMIT $3) a`,
      [alternatives, afterId, count],
    );
    return { ids: ids ?? [], goesOnAfter: walked < count ? null : last };
  }
}
