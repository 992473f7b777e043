import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Events of before the chain wait for their places in it too. Reads the log and locks nothing of it. */
export class QueueFormerAuditEvents1795762000500 implements MigrationInterface {
  name = 'QueueFormerAuditEvents1795762000500';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      INSERT INTO audit_unsealed (event_id, digest) SELECT e.id, audit_event_digest(e) FROM audit_events e
      WHERE NOT EXISTS (SELECT FROM audit_chain c WHERE c.event_id = e.id) ON CONFLICT (event_id) DO NOTHING
    `);
  }

  async down(): Promise<void> {
    // The migration before takes the tables back.
  }
}
