import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** The secret that a key had before its last rotation, for as long as it works beside the new one. One a key, so there is nothing to clean up. */
export class CreateApiKeyOverlaps1795762000100 implements MigrationInterface {
  name = 'CreateApiKeyOverlaps1795762000100';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE api_key_overlaps (
        api_key_id integer NOT NULL,
        key_hash bytea NOT NULL,
        expires_at timestamptz NOT NULL,
        CONSTRAINT api_key_overlaps_pkey PRIMARY KEY (api_key_id),
        CONSTRAINT api_key_overlaps_key_hash_key UNIQUE (key_hash),
        CONSTRAINT api_key_overlaps_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES api_keys (id) ON DELETE CASCADE,
        CONSTRAINT api_key_overlaps_key_hash_check CHECK (octet_length(key_hash) = 32)
      )
    `);
    await queryRunner.query(`
      CREATE FUNCTION notify_overlap_change() RETURNS trigger
      LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'TRUNCATE' THEN
          PERFORM pg_notify('principals', '*');
        ELSE
          PERFORM pg_notify('principals', k.user_id::text) FROM api_keys k WHERE k.id = OLD.api_key_id;
        END IF;
        RETURN NULL;
      END $$
    `);
    await queryRunner.query(`
      CREATE TRIGGER api_key_overlaps_notify AFTER DELETE OR UPDATE ON api_key_overlaps FOR EACH ROW EXECUTE FUNCTION notify_overlap_change()
    `);
    await queryRunner.query(`
      CREATE TRIGGER api_key_overlaps_notify_truncate AFTER TRUNCATE ON api_key_overlaps FOR EACH STATEMENT EXECUTE FUNCTION notify_overlap_change()
    `);
  }

  /** Secrets that worked beside newer ones stop. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE api_key_overlaps`);
    await queryRunner.query(`DROP FUNCTION notify_overlap_change()`);
  }
}
