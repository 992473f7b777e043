import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * The day of a user changes once a day for all of them, so no index may hold it: then opening a day is a heap-only update. The
 * close-out goes through the users of a zone by id instead. Nothing is locked: CONCURRENTLY, so in no transaction.
 */
export class TakeTheDayOutOfIndexes1795741000100 implements MigrationInterface {
  name = 'TakeTheDayOutOfIndexes1795741000100';
  transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    await replace(queryRunner, 'users_time_zone_quota_reset_date_idx', 'users_time_zone_id_idx', 'time_zone, id');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await replace(queryRunner, 'users_time_zone_id_idx', 'users_time_zone_quota_reset_date_idx', 'time_zone, quota_reset_date');
  }
}

/** An index whose making was interrupted is left invalid: it is dropped before it is made again. TypeORM takes migrations back in a transaction. */
async function replace(queryRunner: QueryRunner, before: string, after: string, columns: string): Promise<void> {
  const concurrently = queryRunner.isTransactionActive ? '' : 'CONCURRENTLY';
  const run = (sql: string) => queryRunner.query(`-- squawk-ignore ban-concurrent-index-creation-in-transaction\n${sql}`);
  await run(`DROP INDEX ${concurrently} IF EXISTS ${after}`);
  await run(`CREATE INDEX ${concurrently} ${after} ON users (${columns})`);
  await run(`DROP INDEX ${concurrently} IF EXISTS ${before}`);
}
