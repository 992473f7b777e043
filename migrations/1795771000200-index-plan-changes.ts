import { type MigrationInterface, type QueryRunner } from 'typeorm';

const INDEX = 'users_waiting_tier_idx';

/** The changes of plan that wait, by user. Nothing is locked: CONCURRENTLY, so in no transaction. */
export class IndexPlanChanges1795771000200 implements MigrationInterface {
  name = 'IndexPlanChanges1795771000200';
  transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    const concurrently = queryRunner.isTransactionActive ? '' : 'CONCURRENTLY';
    // One whose making was interrupted is left invalid.
    await queryRunner.query(`DROP INDEX ${concurrently} IF EXISTS ${INDEX}`);
    await queryRunner.query(
      `-- squawk-ignore ban-concurrent-index-creation-in-transaction\nCREATE INDEX ${concurrently} ${INDEX} ON users (id) WHERE next_subscription_tier IS NOT NULL`,
    );
    await queryRunner.query(`ALTER TABLE users VALIDATE CONSTRAINT users_next_tier_from_check`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX IF EXISTS ${INDEX}`);
  }
}
