import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type SystemConfigurationChange } from './entities/system-configuration-change.entity';

const COLUMNS = `c.id, c.key, c.base_version AS "baseVersion", c.content, c.status, c.requires_approval AS "requiresApproval",
  c.effective_at AS "effectiveAt", c.reason, c.author, c.approved_by AS "approvedBy", c.approved_at AS "approvedAt",
  c.ended_by AS "endedBy", c.ended_at AS "endedAt", c.version, c.error, c.created_at AS "createdAt"`;
export const OPEN = `status IN ('proposed', 'approved')`;
/** Not now(): whoever had to wait for the key's lock is to see what came due meanwhile. */
export const DUE = `status = 'approved' AND (effective_at IS NULL OR effective_at <= clock_timestamp())`;
/** What has ended holds no secret. */
export const WITHOUT_SECRET = `content = CASE WHEN content ->> 'visibility' = 'secret' THEN jsonb_set(content, '{value}', 'null') ELSE content END`;

/** A change beside the content of the version that it is on top of. */
export type ChangeOnBase = SystemConfigurationChange & { base: Record<string, unknown> | null };
export type ChangeDraft = Pick<SystemConfigurationChange, 'key' | 'baseVersion' | 'content' | 'requiresApproval' | 'author'> & {
  effectiveAt: string | null;
  reason: string | null;
};

/** Changes of system settings that wait, and those that waited. */
@Injectable()
export class ChangesRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** @returns its id, or null when its instant has passed already */
  async insert(tx: EntityManager, draft: ChangeDraft): Promise<number | null> {
    const { key, baseVersion, content, requiresApproval, effectiveAt, reason, author } = draft;
    const [row]: { id: number }[] = await tx.query(
      `INSERT INTO system_configuration_changes (key, base_version, content, status, requires_approval, effective_at, reason, author)
       SELECT $1::varchar, $2::integer, $3::jsonb, CASE WHEN $4::boolean THEN 'proposed' ELSE 'approved' END, $4, $5::timestamptz, $6, $7::integer
       WHERE $5::timestamptz IS NULL OR $5::timestamptz > clock_timestamp() RETURNING id`,
      [key, baseVersion, content === null ? null : JSON.stringify(content), requiresApproval, effectiveAt, reason, author],
    );
    return row?.id ?? null;
  }

  async find(tx: EntityManager, key: string, id: number): Promise<ChangeOnBase | null> {
    const [change] = await this.select(tx, 'c.key = $1 AND c.id = $2', [key, id], 1);
    return change ?? null;
  }

  /** Newest first, those before `before`. */
  list({ key, status }: { key?: string; status?: string }, before: string | null, count: number): Promise<ChangeOnBase[]> {
    const where = '($1::varchar IS NULL OR c.key = $1) AND ($2::varchar IS NULL OR c.status = $2) AND ($3::integer IS NULL OR c.id < $3)';
    return this.select(this.dataSource.manager, where, [key ?? null, status ?? null, before], count);
  }

  /** Approves what another one proposed; false when it is not proposed any more. Two who approve at once: one of them. */
  async approve(tx: EntityManager, id: number, approver: number | null): Promise<boolean> {
    const [, count]: [unknown, number] = await tx.query(
      `UPDATE system_configuration_changes SET status = 'approved', approved_by = $2, approved_at = clock_timestamp()
       WHERE id = $1 AND status = 'proposed' AND author <> $2`,
      [id, approver],
    );
    return count === 1;
  }

  /** False when it has ended already. */
  async withdraw(tx: EntityManager, id: number, by: number | null): Promise<boolean> {
    const [, count]: [unknown, number] = await tx.query(
      `UPDATE system_configuration_changes SET status = 'withdrawn', ended_by = $2, ended_at = clock_timestamp(), ${WITHOUT_SECRET} WHERE id = $1 AND ${OPEN}`,
      [id, by],
    );
    return count === 1;
  }

  /** The change of the key that is due first, or null. Right under the key's lock. */
  async due(tx: EntityManager, key: string): Promise<SystemConfigurationChange | null> {
    const [change]: SystemConfigurationChange[] = await tx.query(
      `SELECT ${COLUMNS} FROM system_configuration_changes c WHERE key = $1 AND ${DUE} ORDER BY effective_at NULLS FIRST, id LIMIT 1`,
      [key],
    );
    return change ?? null;
  }

  async end(tx: EntityManager, id: number, status: 'applied' | 'stale' | 'failed', version: number | null, error: string | null): Promise<void> {
    await tx.query(
      `UPDATE system_configuration_changes SET status = $2, version = $3, error = $4, ended_at = clock_timestamp(), ${WITHOUT_SECRET} WHERE id = $1`,
      [id, status, version, error],
    );
  }

  /** The keys with changes that are due, and in how many milliseconds the next one will be; null: none waits. */
  async agenda(): Promise<{ due: string[]; nextInMs: number | null }> {
    const [agenda] = await this.dataSource.query<[{ due: string[]; nextInMs: number | null }]>(
      `SELECT coalesce((SELECT array_agg(DISTINCT key ORDER BY key) FROM system_configuration_changes WHERE ${DUE}), '{}') AS due,
         (SELECT ceil(extract(epoch FROM min(effective_at) - clock_timestamp()) * 1000)::float8 FROM system_configuration_changes
          WHERE status = 'approved' AND effective_at > clock_timestamp()) AS "nextInMs"`,
    );
    return agenda;
  }

  private select(tx: EntityManager, where: string, values: unknown[], count: number): Promise<ChangeOnBase[]> {
    return tx.query(
      `SELECT ${COLUMNS}, v.content AS base FROM system_configuration_changes c
       LEFT JOIN system_configuration_versions v ON v.key = c.key AND v.version = c.base_version
       WHERE ${where} ORDER BY c.id DESC LIMIT ${count}`,
      values,
    );
  }
}
