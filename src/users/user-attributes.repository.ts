import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type Metadata, metadataAlternatives } from './metadata';

/** Up to so many accounts with a filter's metadata are read at once. */
const MAX_RARE = 5_000;
/** Where there are more, so many accounts are looked through for a page: one in two hundred of a million is one in a hundred of these, or they are elsewhere. */
const MAX_WALKED = 20_000;

/** What operators keep beside accounts. */
@Injectable()
export class UserAttributesRepository {
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
   * Users after the id who have these members, in order. Of a rare value the index finds all; of a common one the next accounts
   * are looked through, a bounded number of them: so a page costs about the same whatever the value and however many users.
   */
  async idsByMetadata(
    filter: Record<string, string>,
    afterId: number,
    from: EntityManager = this.dataSource.manager,
  ): Promise<{ ids: number[]; goesOnAfter: number | null }> {
    const alternatives = metadataAlternatives(filter).map((members) => JSON.stringify(members));
    const rare: { id: number }[] = await from.query(`SELECT id FROM user_ids_by_metadata($1::jsonb[], $2) id ORDER BY id`, [alternatives, MAX_RARE + 1]);
    if (rare.length <= MAX_RARE) return { ids: rare.map(({ id }) => id).filter((id) => id > afterId), goesOnAfter: null };
    const [{ ids, last, walked }] = await from.query<[{ ids: number[] | null; last: number | null; walked: number }]>(
      `SELECT array_agg(user_id ORDER BY user_id) FILTER (WHERE EXISTS (SELECT FROM unnest($1::jsonb[]) f(filter) WHERE metadata @> f.filter)) AS ids,
         max(user_id) AS last, count(*)::integer AS walked
       FROM (SELECT user_id, metadata FROM user_attributes WHERE user_id > $2 ORDER BY user_id LIMIT ${MAX_WALKED}) a`,
      [alternatives, afterId],
    );
    return { ids: ids ?? [], goesOnAfter: walked < MAX_WALKED ? null : last };
  }
}
