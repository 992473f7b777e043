import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { prepared } from '../database/prepared-statements';
import { SharedReads } from '../database/shared-reads';
import { StatementPool } from '../database/statement-pool';
import { noRowWhen } from '../settings/system-settings.repository';
import { type UserConfiguration } from './entities/user-configuration.entity';

const COLUMNS = `c.user_id AS "userId", c.key, c.value, c.version, c.updated_by AS "updatedBy", c.created_at AS "createdAt", c.updated_at AS "updatedAt"`;

/** One JSON text, because 200 rows of five columns take the driver ten times as long. */
const OWN = prepared(
  'own-configurations',
  `SELECT u.id, (SELECT json_agg(json_build_array(c.key, json_build_object('value', c.value, 'version', c.version, 'updatedBy', c.updated_by,
      'updatedAt', to_char(c.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))))
    FROM user_configurations c WHERE c.user_id = u.id) AS own
  FROM users u WHERE u.id = ANY($1::integer[]) AND u.status <> 'deleted'`,
);
const STATE = prepared(
  'own-configuration-state',
  `SELECT ${COLUMNS}, (SELECT max(version) FROM user_configuration_versions WHERE user_id = $1 AND key = $2) AS latest
    FROM users u LEFT JOIN user_configurations c ON c.user_id = u.id AND c.key = $2 WHERE u.id = $1 AND u.status <> 'deleted'`,
);
type StateRow = UserConfiguration & { latest: number | null };
/** Users in one statement: all they may have set is held in memory at once. */
const USERS_AT_ONCE = 16;

/** A user's own value and the version that it, or its absence, is at: 0 when it was never written. */
export type UserState = { row: UserConfiguration | null; version: number };

/** What a user set, and when as it is answered. */
export interface OwnValue {
  value: unknown;
  version: number;
  updatedAt: string;
  updatedBy: number | null;
}

/** Users' own values and their history. */
@Injectable()
export class UserConfigurationsRepository {
  private readonly reads = new SharedReads((userIds: number[]) => this.ownOf(userIds), USERS_AT_ONCE);

  constructor(
    private readonly dataSource: DataSource,
    private readonly statements: StatementPool,
  ) {}

  /** All values of a user's own by key; null when there is no such user. */
  async own(userId: number): Promise<ReadonlyMap<string, OwnValue> | null> {
    return (await this.reads.get(userId)) ?? null;
  }

  private async ownOf(userIds: number[]): Promise<Map<number, ReadonlyMap<string, OwnValue>>> {
    const rows = await this.statements.run<{ id: number; own: [string, OwnValue][] | null }>(OWN, [userIds]);
    return new Map(rows.map(({ id, own }) => [id, new Map(own)]));
  }

  /** One value of a user's own, within a transaction or without one; null when there is no such user. */
  async state(tx: EntityManager | null, userId: number, key: string): Promise<UserState | null> {
    const values = [userId, key];
    const [row] = tx === null ? await this.statements.run<StateRow>(STATE, values) : await tx.query<StateRow[]>(STATE.text, values);
    if (row === undefined) return null;
    const { latest, ...rest } = row;
    return { row: rest.key === null ? null : rest, version: latest ?? 0 };
  }

  /** Lets the writers of a user's values through one at a time, to the end of their transactions. */
  async lock(tx: EntityManager, userId: number): Promise<void> {
    await tx.query(`SELECT pg_advisory_xact_lock(hashtext('user_configurations'), $1)`, [userId]);
  }

  /** Adds the version that follows `after`, unless `after` is not the latest: then nothing happens and the answer is false. */
  async append(
    tx: EntityManager,
    userId: number,
    key: string,
    after: number,
    content: object | null,
    author: number | null,
    reason: string | null,
  ): Promise<boolean> {
    const rows = await tx
      .query<unknown[]>(
        `INSERT INTO user_configuration_versions (user_id, key, version, content, author, reason)
         SELECT $1::integer, $2::varchar, $3::integer + 1, $4::jsonb, $5::integer, $6
         WHERE $3 = (SELECT coalesce(max(version), 0) FROM user_configuration_versions WHERE user_id = $1 AND key = $2)
         RETURNING version`,
        [userId, key, after, content === null ? null : JSON.stringify(content), author, reason],
      )
      .catch(noRowWhen('user_configuration_versions_pkey'));
    return rows.length === 1;
  }

  /** Forgets the versions of a user's value but the last `kept`, of which `latest` is one. Right under `lock`. */
  async forgetVersions(tx: EntityManager, userId: number, key: string, latest: number, kept: number): Promise<void> {
    await tx.query(`DELETE FROM user_configuration_versions WHERE user_id = $1 AND key = $2 AND version <= $3::integer - $4::integer`, [
      userId,
      key,
      latest,
      kept,
    ]);
  }

  /** Writes the row of a version that was appended in the same transaction. */
  async put(tx: EntityManager, userId: number, key: string, value: unknown, version: number, author: number | null): Promise<void> {
    await tx.query(
      `INSERT INTO user_configurations (user_id, key, value, version, updated_by) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (user_id, key) DO UPDATE SET value = excluded.value, version = excluded.version,
         updated_by = excluded.updated_by, updated_at = now()`,
      [userId, key, JSON.stringify(value), version, author],
    );
  }

  /** How many values of a user's own count: those of a key that an operator took away are not held against them. Right under `lock`. */
  async count(tx: EntityManager, userId: number, declared: Iterable<string>): Promise<number> {
    const [{ own }] = await tx.query<[{ own: number }]>(
      `SELECT count(*)::int AS own FROM user_configurations c
       WHERE c.user_id = $1 AND (c.key = ANY($2) OR EXISTS (SELECT FROM system_configurations s WHERE s.key = c.key AND s.visibility = 'public'))`,
      [userId, [...declared]],
    );
    return own;
  }

  /** Own values of all users for one key, a chunk after the other in order of user. */
  async *valuesOf(key: string): AsyncGenerator<{ userId: number; value: unknown }> {
    for (let after = 0; ;) {
      const rows: { userId: number; value: unknown }[] = await this.dataSource.query(
        `SELECT user_id AS "userId", value FROM user_configurations WHERE key = $1 AND user_id > $2 ORDER BY user_id LIMIT 5000`,
        [key, after],
      );
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.userId;
    }
  }
}
