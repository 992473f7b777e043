import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** How far a replay of an endpoint's events has come, and where it ends. */
export class ReplayWebhooks1795751100300 implements MigrationInterface {
  name = 'ReplayWebhooks1795751100300';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE webhook_endpoints
        ADD COLUMN replay_position bigint,
        ADD COLUMN replay_end bigint,
        ADD COLUMN replay_since timestamptz,
        ADD COLUMN replay_until timestamptz
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `ALTER TABLE webhook_endpoints DROP COLUMN replay_position, DROP COLUMN replay_end, DROP COLUMN replay_since, DROP COLUMN replay_until`,
    );
  }
}
