import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** When operators were last alerted to a state of things, so that any number of replicas that see it alert them once. */
export class RememberAlerts1795750000200 implements MigrationInterface {
  name = 'RememberAlerts1795750000200';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE operator_alerts (
        type varchar(60) NOT NULL,
        alerted_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT operator_alerts_pkey PRIMARY KEY (type)
      )
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE operator_alerts`);
  }
}
