import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Accounts of programs: they have keys and a quota as any account, and no person behind them. */
export class CreateServiceAccounts1795776000100 implements MigrationInterface {
  name = 'CreateServiceAccounts1795776000100';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE service_accounts (
        user_id integer NOT NULL,
        name varchar(100) NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT service_accounts_pkey PRIMARY KEY (user_id),
        CONSTRAINT service_accounts_name_key UNIQUE (name),
        CONSTRAINT service_accounts_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT service_accounts_name_check CHECK (name ~ '^[a-z0-9][a-z0-9._-]*$')
      )
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE service_accounts`);
  }
}
