import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { violatedConstraint } from '../common/database-errors';
import { type SystemConfiguration } from './entities/system-configuration.entity';
import { type UserConfiguration } from './entities/user-configuration.entity';

const SYSTEM_COLUMNS = `c.key, c.value, c.schema, c.description, c.visibility, c.overridable, c.bounds, c.version,
  c.updated_by AS "updatedBy", c.created_at AS "createdAt", c.updated_at AS "updatedAt"`;
const USER_COLUMNS = `user_id AS "userId", key, value, version, updated_by AS "updatedBy", created_at AS "createdAt", updated_at AS "updatedAt"`;

/** A system setting and the version that it, or its absence, is at: 0 when it was never written. */
export type SystemState = { row: SystemConfiguration | null; version: number };
/** The same for one user's own value. */
export type UserState = { row: UserConfiguration | null; version: number };

@Injectable()
export class ConfigurationsRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** All written settings whose key starts so, and the latest version of every key, also of those that went back to default. */
  async systemRows(prefix = ''): Promise<{ rows: SystemConfiguration[]; versions: Map<string, number> }> {
    const rows: SystemConfiguration[] = await this.dataSource.query(
      `SELECT ${SYSTEM_COLUMNS} FROM system_configurations c WHERE starts_with(c.key, $1)`,
      [prefix],
    );
    const versions: { key: string; version: number }[] = await this.dataSource.query(
      `SELECT key, max(version) AS version FROM system_configuration_versions WHERE starts_with(key, $1) GROUP BY key`,
      [prefix],
    );
    return { rows, versions: new Map(versions.map(({ key, version }) => [key, version])) };
  }

  async systemState(tx: EntityManager, key: string): Promise<SystemState> {
    const [row]: (SystemConfiguration & { latest: number | null })[] = await tx.query(
      `SELECT ${SYSTEM_COLUMNS}, l.latest FROM (SELECT max(version) AS latest FROM system_configuration_versions WHERE key = $1) l
       LEFT JOIN system_configurations c ON c.key = $1`,
      [key],
    );
    const { latest = null, ...rest } = row ?? {};
    return { row: row?.key ? (rest as SystemConfiguration) : null, version: latest ?? 0 };
  }

  /**
   * Adds the version that follows `after`, unless somebody else did or `after` is not the latest: then nothing happens and
   * the answer is false. The primary key (key, version) lets exactly one of any number of writers through.
   */
  async appendSystemVersion(tx: EntityManager, key: string, after: number, content: object | null, author: number | null, reason: string | null): Promise<boolean> {
    const rows: unknown[] = await tx
      .query(
        `INSERT INTO system_configuration_versions (key, version, content, author, reason)
         SELECT $1, $2 + 1, $3, $4, $5
         WHERE $2 = (SELECT coalesce(max(version), 0) FROM system_configuration_versions WHERE key = $1)
         RETURNING version`,
        [key, after, content === null ? null : JSON.stringify(content), author, reason],
      )
      .catch(noRowWhen('system_configuration_versions_pkey'));
    return rows.length === 1;
  }

  /** Writes the row of a version that was appended in the same transaction. */
  async putSystemRow(tx: EntityManager, row: Omit<SystemConfiguration, 'createdAt' | 'updatedAt'>): Promise<void> {
    const json = (value: unknown) => (value === null ? null : JSON.stringify(value));
    await tx.query(
      `INSERT INTO system_configurations (key, value, schema, description, visibility, overridable, bounds, version, updated_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
       ON CONFLICT (key) DO UPDATE SET value = excluded.value, schema = excluded.schema, description = excluded.description,
         visibility = excluded.visibility, overridable = excluded.overridable, bounds = excluded.bounds,
         version = excluded.version, updated_by = excluded.updated_by, updated_at = now()`,
      // A value may be JSON's own null, which is text to the driver; no schema and no bounds are SQL's.
      [row.key, JSON.stringify(row.value), json(row.schema), row.description, row.visibility, row.overridable, json(row.bounds), row.version, row.updatedBy],
    );
  }

  /** The same for one user's own value. */
  async putUserRow(tx: EntityManager, userId: number, key: string, value: unknown, version: number, author: number | null): Promise<void> {
    await tx.query(
      `INSERT INTO user_configurations (user_id, key, value, version, updated_by) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (user_id, key) DO UPDATE SET value = excluded.value, version = excluded.version,
         updated_by = excluded.updated_by, updated_at = now()`,
      [userId, key, JSON.stringify(value), version, author],
    );
  }

  /** The same for one user's own value. */
  async appendUserVersion(tx: EntityManager, userId: number, key: string, after: number, content: object | null, author: number | null, reason: string | null): Promise<boolean> {
    const rows: unknown[] = await tx
      .query(
        `INSERT INTO user_configuration_versions (user_id, key, version, content, author, reason)
         SELECT $1, $2, $3 + 1, $4, $5, $6
         WHERE $3 = (SELECT coalesce(max(version), 0) FROM user_configuration_versions WHERE user_id = $1 AND key = $2)
         RETURNING version`,
        [userId, key, after, content === null ? null : JSON.stringify(content), author, reason],
      )
      .catch(noRowWhen('user_configuration_versions_pkey'));
    return rows.length === 1;
  }

  async userRows(userId: number): Promise<UserConfiguration[]> {
    return this.dataSource.query(`SELECT ${USER_COLUMNS} FROM user_configurations WHERE user_id = $1`, [userId]);
  }

  async userState(tx: EntityManager, userId: number, key: string): Promise<UserState> {
    const [row]: (UserConfiguration & { latest: number | null })[] = await tx.query(
      `SELECT c.*, l.latest FROM (SELECT max(version) AS latest FROM user_configuration_versions WHERE user_id = $1 AND key = $2) l
       LEFT JOIN (SELECT ${USER_COLUMNS} FROM user_configurations WHERE user_id = $1 AND key = $2) c ON true`,
      [userId, key],
    );
    const { latest = null, ...rest } = row ?? {};
    return { row: row?.key ? (rest as UserConfiguration) : null, version: latest ?? 0 };
  }

  /** Whether the user has fewer values than `most`. Holds a lock to the end of the transaction, so two writers cannot both be the last. */
  async mayAddKey(tx: EntityManager, userId: number, most: number): Promise<boolean> {
    await tx.query(`SELECT pg_advisory_xact_lock(hashtext('user_configurations'), $1)`, [userId]);
    const [{ own }] = await tx.query<[{ own: number }]>(`SELECT count(*)::int AS own FROM user_configurations WHERE user_id = $1`, [userId]);
    return own < most;
  }

  /** Own values of all users for one key, a chunk after the other in order of user. */
  async *userValues(key: string): AsyncGenerator<{ userId: number; value: unknown }> {
    for (let after = 0; ; ) {
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

/** Turns the violation of one named constraint into "no row"; the transaction is over then and the caller throws. */
function noRowWhen(constraint: string) {
  return (error: unknown): unknown[] => {
    if (violatedConstraint(error) === constraint) return [];
    throw error;
  };
}
