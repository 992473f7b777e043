import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Apart from adding the checks, so that reading the table holds no lock that keeps anybody out. */
export class ValidateDrawnUnits1795763000200 implements MigrationInterface {
  name = 'ValidateDrawnUnits1795763000200';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE requests VALIDATE CONSTRAINT requests_drawn_units_check`);
    await queryRunner.query(`ALTER TABLE requests VALIDATE CONSTRAINT requests_used_at_charge_check`);
  }

  async down(): Promise<void> {
    // A check that was validated holds no more than one that was not, for what is written from now on.
  }
}
