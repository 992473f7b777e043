import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Which processes serve, each with one row that it renews: for those who look, nothing depends on it. */
export class CreateReplicas1795781000100 implements MigrationInterface {
  name = 'CreateReplicas1795781000100';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE replicas (
        id uuid NOT NULL,
        name text NOT NULL,
        version text NOT NULL,
        started_at timestamptz NOT NULL DEFAULT now(),
        seen_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT replicas_pkey PRIMARY KEY (id)
      )
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE replicas`);
  }
}
