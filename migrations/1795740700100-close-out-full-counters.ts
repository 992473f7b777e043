import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** What of the close-out could not be reckoned in 32 bits, each with what can. */
const MENDED: readonly (readonly [before: string, after: string])[] = [
  ['a.api_quota_requests_today + a.api_quota_used_today > 0', '(a.api_quota_requests_today > 0 OR a.api_quota_used_today > 0)'],
  ['SET used = quota_usage.used + excluded.used', 'SET used = least(2147483647, quota_usage.used::bigint + excluded.used)'],
  ['refunded = quota_usage.refunded + excluded.refunded', 'refunded = least(2147483647, quota_usage.refunded::bigint + excluded.refunded)'],
];

/**
 * A user whose counter is at its end is closed out like any other: one sum that did not fit would fail the whole slice, each
 * time. Only these expressions change, in the function as it is. A function only; no table is touched.
 */
export class CloseOutFullCounters1795740700100 implements MigrationInterface {
  name = 'CloseOutFullCounters1795740700100';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(changed(MENDED));
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(changed(MENDED.map(([before, after]) => [after, before] as const)));
  }
}

function changed(pairs: typeof MENDED): string {
  const definition = pairs.reduce(
    (text, [before, after]) => `replace(${text}, '${before}', '${after}')`,
    `pg_get_functiondef('quota_close_out(integer[])'::regprocedure)`,
  );
  return `DO $do$ BEGIN EXECUTE ${definition}; END $do$`;
}
