import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Mails wait here from the transaction that asks for them until a sender comes: none is sent inside a transaction, and none is lost with a process. */
export class CreateMails1795752000100 implements MigrationInterface {
  name = 'CreateMails1795752000100';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE mails (
        id uuid NOT NULL,
        user_id integer,
        template varchar(60) NOT NULL,
        state varchar(10) NOT NULL DEFAULT 'waiting',
        contents jsonb,
        attempts integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        error varchar(300),
        created_at timestamptz NOT NULL DEFAULT now(),
        ended_at timestamptz,
        CONSTRAINT mails_pkey PRIMARY KEY (id),
        CONSTRAINT mails_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT mails_state_check CHECK (state IN ('waiting', 'sent', 'failed')),
        CONSTRAINT mails_contents_check CHECK ((state = 'waiting') = (contents IS NOT NULL) AND (state = 'waiting') = (ended_at IS NULL))
      )
    `);
    await queryRunner.query(`
      CREATE INDEX mails_due_idx ON mails (due_at, id) WHERE state = 'waiting'
    `);
    await queryRunner.query(`
      CREATE INDEX mails_ended_at_idx ON mails (ended_at) WHERE ended_at IS NOT NULL
    `);
    await queryRunner.query(`
      CREATE INDEX mails_user_id_idx ON mails (user_id)
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE mails`);
  }
}
