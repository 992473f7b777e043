import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * Finds the users whose mark may be taken away. No column of it is one that a charge changes. Nothing is locked: CONCURRENTLY, so
 * in no transaction; an index whose making was interrupted is dropped before it is made again.
 */
export class IndexUsersWithQuotaForms1795763000300 implements MigrationInterface {
  name = 'IndexUsersWithQuotaForms1795763000300';
  transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    const concurrently = queryRunner.isTransactionActive ? '' : 'CONCURRENTLY';
    const run = (sql: string) => queryRunner.query(`-- squawk-ignore ban-concurrent-index-creation-in-transaction\n${sql}`);
    await run(`DROP INDEX ${concurrently} IF EXISTS users_quota_forms_id_idx`);
    await run(`CREATE INDEX ${concurrently} users_quota_forms_id_idx ON users (id) WHERE quota_forms`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX users_quota_forms_id_idx`);
  }
}
