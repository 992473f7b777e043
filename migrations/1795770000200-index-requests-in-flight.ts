import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * Finds what a user has in flight, of those who have a limit of it alone: nobody else's requests are in the index. Nothing is locked:
 * CONCURRENTLY, so in no transaction; an index whose making was interrupted is dropped before it is made again.
 */
export class IndexRequestsInFlight1795770000200 implements MigrationInterface {
  name = 'IndexRequestsInFlight1795770000200';
  transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    const concurrently = queryRunner.isTransactionActive ? '' : 'CONCURRENTLY';
    const run = (sql: string) => queryRunner.query(`-- squawk-ignore ban-concurrent-index-creation-in-transaction\n${sql}`);
    await run(`DROP INDEX ${concurrently} IF EXISTS requests_in_flight_idx`);
    await run(`CREATE INDEX ${concurrently} requests_in_flight_idx ON requests (user_id) WHERE counts_in_flight AND status IN ('pending', 'processing')`);
    await queryRunner.query(`ALTER TABLE subscription_tiers VALIDATE CONSTRAINT subscription_tiers_max_in_flight_check`);
    await queryRunner.query(`ALTER TABLE subscription_tiers VALIDATE CONSTRAINT subscription_tiers_max_in_flight_by_type_check`);
    await queryRunner.query(`ALTER TABLE users VALIDATE CONSTRAINT users_max_in_flight_check`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX requests_in_flight_idx`);
  }
}
