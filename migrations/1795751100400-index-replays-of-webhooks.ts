import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Finds the replays under way. Nothing is locked: CONCURRENTLY, so in no transaction. */
export class IndexReplaysOfWebhooks1795751100400 implements MigrationInterface {
  name = 'IndexReplaysOfWebhooks1795751100400';
  transaction = false;

  /** An index whose making was interrupted is left invalid: it is dropped before it is made again. */
  async up(queryRunner: QueryRunner): Promise<void> {
    await this.run(queryRunner, `DROP INDEX CONCURRENTLY IF EXISTS webhook_endpoints_replay_idx`);
    await this.run(queryRunner, `CREATE INDEX CONCURRENTLY webhook_endpoints_replay_idx ON webhook_endpoints (id) WHERE replay_position IS NOT NULL`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await this.run(queryRunner, `DROP INDEX CONCURRENTLY IF EXISTS webhook_endpoints_replay_idx`);
  }

  /** TypeORM takes migrations back in a transaction. */
  private run(queryRunner: QueryRunner, sql: string): Promise<unknown> {
    const statement = queryRunner.isTransactionActive ? sql.replace(' CONCURRENTLY', '') : sql;
    return queryRunner.query(`-- squawk-ignore ban-concurrent-index-creation-in-transaction\n${statement}`);
  }
}
