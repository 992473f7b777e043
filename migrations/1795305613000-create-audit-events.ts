import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Every administrative change: who, what, before, after, why. Ids here are no foreign keys: the record outlives the user. */
export class CreateAuditEvents1795305613000 implements MigrationInterface {
  name = 'CreateAuditEvents1795305613000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE audit_events (
        id bigint GENERATED ALWAYS AS IDENTITY,
        actor_id integer,
        actor_kind varchar(20) NOT NULL,
        action varchar(60) NOT NULL,
        target_kind varchar(40) NOT NULL,
        target_id varchar(120) NOT NULL,
        before jsonb,
        after jsonb,
        reason text,
        request_id varchar(64),
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT audit_events_pkey PRIMARY KEY (id),
        CONSTRAINT audit_events_actor_kind_check CHECK (actor_kind IN ('user', 'key', 'command', 'system'))
      )
    `);
    await queryRunner.query(`
      CREATE INDEX audit_events_target_kind_target_id_id_idx ON audit_events (target_kind, target_id, id)
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE audit_events`);
  }
}
