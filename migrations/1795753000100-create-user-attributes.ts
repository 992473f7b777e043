import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** What operators keep beside an account. A table of its own: each charge writes the row of `users` anew, and checks all that is checked of it. */
export class CreateUserAttributes1795753000100 implements MigrationInterface {
  name = 'CreateUserAttributes1795753000100';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE user_attributes (
        user_id integer NOT NULL,
        external_id varchar(255),
        metadata jsonb NOT NULL DEFAULT '{}',
        CONSTRAINT user_attributes_pkey PRIMARY KEY (user_id),
        CONSTRAINT user_attributes_external_id_key UNIQUE (external_id),
        CONSTRAINT user_attributes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT user_attributes_external_id_check CHECK (external_id <> ''),
        -- 8,192 bytes as JSON without spaces are at most one and a half times as many as the database writes them.
        CONSTRAINT user_attributes_metadata_check CHECK (
          jsonb_typeof(metadata) = 'object' AND octet_length(metadata::text) <= 12288
          AND jsonb_array_length(jsonb_path_query_array(metadata, '$.keyvalue()')) <= 50
        )
      )
    `);
    await queryRunner.query(`
      CREATE INDEX user_attributes_metadata_idx ON user_attributes USING gin (metadata jsonb_path_ops) WITH (fastupdate = off)
    `);
    // The index is asked whatever the planner thinks of the filter: its guess for a value that nobody has is one row in a hundred.
    await queryRunner.query(`
      CREATE FUNCTION user_ids_by_metadata(alternatives jsonb[], max_count integer) RETURNS SETOF integer
      LANGUAGE sql STABLE SET enable_seqscan = off AS $$
        SELECT a.user_id FROM unnest(alternatives) f(filter) JOIN user_attributes a ON a.metadata @> f.filter LIMIT max_count
      $$
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP FUNCTION user_ids_by_metadata(jsonb[], integer)`);
    await queryRunner.query(`DROP TABLE user_attributes`);
  }
}
