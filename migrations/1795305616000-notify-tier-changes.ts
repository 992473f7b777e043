import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Tells every replica to read the burst limits anew. */
export class NotifyTierChanges1795305616000 implements MigrationInterface {
  name = 'NotifyTierChanges1795305616000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE FUNCTION notify_tier_change() RETURNS trigger
      LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_notify('tiers', '');
        RETURN NULL;
      END $$
    `);
    await queryRunner.query(`
      CREATE TRIGGER subscription_tiers_notify AFTER INSERT OR UPDATE OR DELETE ON subscription_tiers
      FOR EACH STATEMENT EXECUTE FUNCTION notify_tier_change()
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TRIGGER subscription_tiers_notify ON subscription_tiers`);
    await queryRunner.query(`DROP FUNCTION notify_tier_change()`);
  }
}
