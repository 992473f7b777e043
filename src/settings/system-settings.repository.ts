import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { violatedConstraint } from '../common/database-errors';
import { prepared } from '../database/prepared-statements';
import { StatementPool } from '../database/statement-pool';
import { DUE, OPEN, WITHOUT_SECRET } from './changes.repository';
import { type SystemConfiguration } from './entities/system-configuration.entity';

const COLUMNS = `c.key, c.value, c.schema, c.description, c.unit, c.visibility, c.overridable, c.bounds, c.version,
  c.updated_by AS "updatedBy", c.created_at AS "createdAt", c.updated_at AS "updatedAt"`;
const LATEST = '(SELECT max(v.version) FROM system_configuration_versions v WHERE v.key = k.key) AS latest';

const STATE = prepared(
  'configuration-state',
  `SELECT ${COLUMNS}, k.key AS name, ${LATEST}, EXISTS (SELECT FROM system_configuration_changes h WHERE h.key = k.key AND ${DUE}) AS due
    FROM (SELECT $1::varchar AS key) k LEFT JOIN system_configurations c ON c.key = k.key`,
);

/** A system setting and the version that it, or its absence, is at: 0 when it was never written. */
export type SystemState = { row: SystemConfiguration | null; version: number };

/** Settings of the whole system: their rows and their history. */
@Injectable()
export class SystemSettingsRepository {
  constructor(
    private readonly dataSource: DataSource,
    private readonly statements: StatementPool,
  ) {}

  /** Every setting that is written or named, in order of the key, as of one moment. */
  async states(named: Iterable<string>, tx = this.dataSource.manager): Promise<Map<string, SystemState>> {
    const rows: StateRow[] = await tx.query(
      `SELECT ${COLUMNS}, k.key AS name, ${LATEST}
       FROM (SELECT unnest($1::varchar[]) AS key UNION SELECT key FROM system_configurations) k LEFT JOIN system_configurations c ON c.key = k.key
       ORDER BY k.key COLLATE "C"`,
      [[...named]],
    );
    return new Map(rows.map((row) => [row.name, toState(row)]));
  }

  /** Within a transaction, or without one. `due`: a change of it is, so this is not what it is to be any more. */
  async state(tx: EntityManager | null, key: string): Promise<SystemState & { due: boolean }> {
    const rows = tx === null ? await this.statements.run<Row>(STATE, [key]) : await tx.query<Row[]>(STATE.text, [key]);
    const [{ due, ...row }] = rows as [Row];
    return { ...toState(row), due };
  }

  /** Lets the writers of a key through one at a time, to the end of their transactions: what is read after this is what is replaced. */
  async lock(tx: EntityManager, key: string): Promise<void> {
    await tx.query(`SELECT pg_advisory_xact_lock(hashtext('system_configurations'), hashtext($1))`, [key]);
  }

  /**
   * Adds the version that follows `after`, unless `after` is not the latest: then nothing happens and the answer is false.
   * The primary key (key, version) lets exactly one of any number of writers through, also those that do not lock.
   * The changes that wait for `after` never take effect then, and become stale.
   */
  async append(tx: EntityManager, key: string, after: number, content: object | null, author: number | null, reason: string | null): Promise<boolean> {
    const rows = await tx
      .query<unknown[]>(
        `WITH made AS (
           INSERT INTO system_configuration_versions (key, version, content, author, reason)
           SELECT $1::varchar, $2::integer + 1, $3::jsonb, $4::integer, $5
           WHERE $2 = (SELECT coalesce(max(version), 0) FROM system_configuration_versions WHERE key = $1) RETURNING key
         ), outdated AS (
           UPDATE system_configuration_changes c SET status = 'stale', ended_by = $4, ended_at = clock_timestamp(), ${WITHOUT_SECRET}
           FROM made WHERE c.key = made.key AND ${OPEN}
         ) SELECT key FROM made`,
        [key, after, content === null ? null : JSON.stringify(content), author, reason],
      )
      .catch(noRowWhen('system_configuration_versions_pkey'));
    return rows.length === 1;
  }

  /** Writes the row of a version that was appended in the same transaction. */
  async put(tx: EntityManager, row: Omit<SystemConfiguration, 'createdAt' | 'updatedAt'>): Promise<void> {
    const json = (value: unknown) => (value === null ? null : JSON.stringify(value));
    await tx.query(
      `INSERT INTO system_configurations (key, value, schema, description, unit, visibility, overridable, bounds, version, updated_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       ON CONFLICT (key) DO UPDATE SET value = excluded.value, schema = excluded.schema, description = excluded.description, unit = excluded.unit,
         visibility = excluded.visibility, overridable = excluded.overridable, bounds = excluded.bounds,
         version = excluded.version, updated_by = excluded.updated_by, updated_at = now()`,
      // A value may be JSON's own null, which is text to the driver; no schema and no bounds are SQL's.
      [
        row.key,
        JSON.stringify(row.value),
        json(row.schema),
        row.description,
        row.unit,
        row.visibility,
        row.overridable,
        json(row.bounds),
        row.version,
        row.updatedBy,
      ],
    );
  }

  /** Whether the key ever held a value that was not a secret: it stands in the history, readable. */
  async wasEverOpen(tx: EntityManager, key: string): Promise<boolean> {
    const [{ open }] = await tx.query<[{ open: boolean }]>(
      `SELECT EXISTS (SELECT FROM system_configuration_versions
         WHERE key = $1 AND content IS NOT NULL AND content ->> 'visibility' IS DISTINCT FROM 'secret') AS open`,
      [key],
    );
    return open;
  }
}

type Row = StateRow & { due: boolean };
type StateRow = SystemConfiguration & { key: string | null; name: string; latest: number | null };

function toState({ latest, name: _, ...row }: StateRow): SystemState {
  return { row: row.key === null ? null : row, version: latest ?? 0 };
}

/** Turns the violation of one named constraint into "no row"; the transaction is over then and the caller throws. */
export function noRowWhen(constraint: string) {
  return (error: unknown): unknown[] => {
    if (violatedConstraint(error) === constraint) return [];
    throw error;
  };
}
