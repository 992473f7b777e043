import { type MigrationInterface, type QueryRunner } from 'typeorm';

const INDEXES = ['audit_events_created_at_idx ON audit_events (created_at)', 'audit_events_actor_id_id_idx ON audit_events (actor_id, id)'];

/** The log by time, and by who acted. Nothing is locked: CONCURRENTLY, so in no transaction. */
export class IndexAuditEvents1795762000600 implements MigrationInterface {
  name = 'IndexAuditEvents1795762000600';
  transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    const concurrently = queryRunner.isTransactionActive ? '' : 'CONCURRENTLY';
    for (const index of INDEXES) {
      // One whose making was interrupted is left invalid.
      await queryRunner.query(`DROP INDEX ${concurrently} IF EXISTS ${nameOf(index)}`);
      await queryRunner.query(`-- squawk-ignore ban-concurrent-index-creation-in-transaction\nCREATE INDEX ${concurrently} ${index}`);
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const index of INDEXES) await queryRunner.query(`DROP INDEX IF EXISTS ${nameOf(index)}`);
  }
}

function nameOf(index: string): string {
  return index.slice(0, index.indexOf(' '));
}
