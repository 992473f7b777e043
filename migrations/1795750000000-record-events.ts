import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** The outbox: one row for each event, numbered once it is visible; who has been handed what; who listens to what. */
export class RecordEvents1795750000000 implements MigrationInterface {
  name = 'RecordEvents1795750000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE events (
        id bigint GENERATED ALWAYS AS IDENTITY,
        type varchar(60) NOT NULL,
        user_id integer,
        data jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        position bigint,
        published_at timestamptz,
        CONSTRAINT events_pkey PRIMARY KEY (id),
        CONSTRAINT events_position_check CHECK ((position IS NULL) = (published_at IS NULL))
      ) WITH (autovacuum_vacuum_scale_factor = 0.05)
    `);
    await queryRunner.query(`CREATE SEQUENCE events_position_seq`);
    await queryRunner.query(`CREATE INDEX events_unpublished_idx ON events (id) WHERE position IS NULL`);
    await queryRunner.query(`CREATE UNIQUE INDEX events_position_key ON events (position) WHERE position IS NOT NULL`);
    await queryRunner.query(`CREATE INDEX events_user_id_position_idx ON events (user_id, position) WHERE position IS NOT NULL`);
    await queryRunner.query(`CREATE INDEX events_type_position_idx ON events (type, position) WHERE position IS NOT NULL`);
    await queryRunner.query(`CREATE INDEX events_published_at_position_idx ON events (published_at, position) WHERE published_at IS NOT NULL`);
    await queryRunner.query(`
      CREATE TABLE event_cursors (
        name varchar(60) NOT NULL,
        position bigint NOT NULL,
        skipped bigint NOT NULL DEFAULT 0,
        CONSTRAINT event_cursors_pkey PRIMARY KEY (name)
      )
    `);
    await queryRunner.query(`
      CREATE TABLE event_listeners (
        user_id integer NOT NULL,
        type varchar(60) NOT NULL,
        source varchar(60) NOT NULL,
        CONSTRAINT event_listeners_pkey PRIMARY KEY (user_id, type, source)
      )
    `);
    await queryRunner.query(`CREATE INDEX event_listeners_source_idx ON event_listeners (source)`);
    await queryRunner.query(`CREATE INDEX event_listeners_type_idx ON event_listeners (type)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE event_listeners`);
    await queryRunner.query(`DROP TABLE event_cursors`);
    await queryRunner.query(`DROP TABLE events`);
    await queryRunner.query(`DROP SEQUENCE events_position_seq`);
  }
}
