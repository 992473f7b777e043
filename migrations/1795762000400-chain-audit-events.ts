import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** The API key that acted; a log that is only added to; and the tables in which its chain of hashes grows. */
export class ChainAuditEvents1795762000400 implements MigrationInterface {
  name = 'ChainAuditEvents1795762000400';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE audit_events ADD COLUMN actor_key_id integer`);
    await queryRunner.query(`
      CREATE TABLE audit_chain (
        position bigint NOT NULL,
        event_id bigint NOT NULL,
        digest bytea NOT NULL,
        hash bytea NOT NULL,
        sealed_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT audit_chain_pkey PRIMARY KEY (position),
        CONSTRAINT audit_chain_event_id_key UNIQUE (event_id),
        CONSTRAINT audit_chain_digest_check CHECK (octet_length(digest) = 32),
        CONSTRAINT audit_chain_hash_check CHECK (octet_length(hash) = 32)
      )
    `);
    await queryRunner.query(`
      CREATE TABLE audit_unsealed (
        event_id bigint NOT NULL,
        digest bytea NOT NULL,
        CONSTRAINT audit_unsealed_pkey PRIMARY KEY (event_id),
        CONSTRAINT audit_unsealed_digest_check CHECK (octet_length(digest) = 32)
      )
    `);
    await queryRunner.query(`
      CREATE FUNCTION audit_event_digest(e audit_events) RETURNS bytea
      LANGUAGE sql STABLE AS $$
        SELECT sha256(convert_to(jsonb_build_array(
          e.id, e.actor_id, e.actor_kind, e.actor_key_id, e.action, e.target_kind, e.target_id, e.before, e.after, e.reason, e.request_id,
          extract(epoch FROM e.created_at)
        )::text, 'UTF8'))
      $$
    `);
    await queryRunner.query(`
      CREATE FUNCTION queue_audit_event() RETURNS trigger
      LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO audit_unsealed (event_id, digest) VALUES (NEW.id, audit_event_digest(NEW));
        RETURN NULL;
      END $$
    `);
    await queryRunner.query(`
      CREATE FUNCTION refuse_audit_change() RETURNS trigger
      LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% is only added to', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
      END $$
    `);
    await queryRunner.query(`
      CREATE FUNCTION seal_audit_events(batch integer) RETURNS integer
      LANGUAGE plpgsql AS $$
      DECLARE
        at bigint;
        head bytea;
        sealed integer := 0;
        waiting audit_unsealed;
      BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('audit_chain'), 0);
        SELECT c.position, c.hash INTO at, head FROM audit_chain c ORDER BY c.position DESC LIMIT 1;
        at := coalesce(at, 0);
        head := coalesce(head, decode(repeat('00', 32), 'hex'));
        FOR waiting IN SELECT u.* FROM audit_unsealed u JOIN audit_events e ON e.id = u.event_id ORDER BY u.event_id LIMIT batch LOOP
          at := at + 1;
          head := sha256(head || int8send(at) || waiting.digest);
          INSERT INTO audit_chain (position, event_id, digest, hash) VALUES (at, waiting.event_id, waiting.digest, head);
          DELETE FROM audit_unsealed u WHERE u.event_id = waiting.event_id;
          sealed := sealed + 1;
        END LOOP;
        RETURN sealed;
      END $$
    `);
    await queryRunner.query(`CREATE TRIGGER audit_events_queue AFTER INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION queue_audit_event()`);
    for (const table of ['audit_events', 'audit_chain']) {
      await queryRunner.query(`CREATE TRIGGER ${table}_refuse_change BEFORE UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()`);
      await queryRunner.query(`CREATE TRIGGER ${table}_refuse_truncate BEFORE TRUNCATE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()`);
    }
  }

  /** The events stay; their chain is lost, and a later one begins anew. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TRIGGER audit_events_refuse_truncate ON audit_events`);
    await queryRunner.query(`DROP TRIGGER audit_events_refuse_change ON audit_events`);
    await queryRunner.query(`DROP TRIGGER audit_events_queue ON audit_events`);
    await queryRunner.query(`DROP TABLE audit_chain`);
    await queryRunner.query(`DROP FUNCTION seal_audit_events(integer)`);
    await queryRunner.query(`DROP TABLE audit_unsealed`);
    await queryRunner.query(`DROP FUNCTION refuse_audit_change()`);
    await queryRunner.query(`DROP FUNCTION queue_audit_event()`);
    await queryRunner.query(`DROP FUNCTION audit_event_digest(audit_events)`);
    await queryRunner.query(`ALTER TABLE audit_events DROP COLUMN actor_key_id`);
  }
}
