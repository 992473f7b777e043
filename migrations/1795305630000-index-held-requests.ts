import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Reservations of the gateway by the end of their lease: nobody claims them, so nobody else notices that it ran out. */
export class IndexHeldRequests1795305630000 implements MigrationInterface {
  name = 'IndexHeldRequests1795305630000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE INDEX requests_lease_expires_at_idx ON requests (lease_expires_at) WHERE status = 'processing' AND held
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX requests_lease_expires_at_idx`);
  }
}
