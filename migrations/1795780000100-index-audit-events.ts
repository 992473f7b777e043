import { type MigrationInterface, type QueryRunner } from 'typeorm';

const INDEXES = {
  audit_events_action_id_idx: '(action, id)',
  audit_events_actor_key_id_id_idx: '(actor_key_id, id) WHERE actor_key_id IS NOT NULL',
};

/** What was done, and by which key, in the log's order: a rare one is found at once among a million. Nothing is locked: CONCURRENTLY, so in no transaction. */
export class IndexAuditEvents1795780000100 implements MigrationInterface {
  name = 'IndexAuditEvents1795780000100';
  transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    const concurrently = queryRunner.isTransactionActive ? '' : 'CONCURRENTLY';
    for (const [name, columns] of Object.entries(INDEXES)) {
      // One whose making was interrupted is left invalid.
      await queryRunner.query(`DROP INDEX ${concurrently} IF EXISTS ${name}`);
      await queryRunner.query(`-- squawk-ignore ban-concurrent-index-creation-in-transaction\nCREATE INDEX ${concurrently} ${name} ON audit_events ${columns}`);
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const name of Object.keys(INDEXES)) await queryRunner.query(`DROP INDEX IF EXISTS ${name}`);
  }
}
