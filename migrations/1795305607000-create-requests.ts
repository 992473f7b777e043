import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** The ledger: every metered act is a row. `used_at_charge` and `limit_at_charge` are the counter after this charge and the
 * quota it was held against, so a charge beyond its quota cannot be stored. The type's check spells out its alphabet: a
 * regular expression here costs more than the rest of the insert. */
export class CreateRequests1795305607000 implements MigrationInterface {
  name = 'CreateRequests1795305607000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- A UUIDv7 (RFC 9562, section 5.7) by the database's clock, for rows that other programs insert: lists go by id.
      CREATE FUNCTION next_request_id() RETURNS uuid
      LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
        SELECT (lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7'
          || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
      $$
    `);
    await queryRunner.query(`
      CREATE TABLE requests (
        id uuid NOT NULL DEFAULT next_request_id(),
        user_id integer NOT NULL,
        api_key_id integer,
        type varchar(50) NOT NULL,
        status varchar(20) NOT NULL DEFAULT 'pending',
        cost integer NOT NULL DEFAULT 1,
        refunded_units integer NOT NULL DEFAULT 0,
        charged_on date NOT NULL,
        charged_fold smallint NOT NULL DEFAULT 0,
        limit_at_charge integer,
        used_at_charge integer,
        payload jsonb NOT NULL DEFAULT '{}',
        result jsonb,
        error jsonb,
        attempt integer NOT NULL DEFAULT 0,
        max_attempts integer,
        held boolean NOT NULL DEFAULT false,
        available_at timestamptz,
        lease_expires_at timestamptz,
        deadline_at timestamptz,
        cancel_requested_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        started_at timestamptz,
        finished_at timestamptz,
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT requests_pkey PRIMARY KEY (id),
        CONSTRAINT requests_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT requests_type_check CHECK (
          type <> '' AND left(type, 1) NOT IN ('.', '_', '-') AND translate(type, 'abcdefghijklmnopqrstuvwxyz0123456789._-', '') = ''
        ),
        CONSTRAINT requests_status_check CHECK (status IN ('pending', 'processing', 'succeeded', 'failed', 'canceled', 'expired')),
        CONSTRAINT requests_cost_check CHECK (cost > 0),
        CONSTRAINT requests_refunded_units_check CHECK (refunded_units >= 0 AND refunded_units <= cost),
        CONSTRAINT requests_used_at_charge_check CHECK (used_at_charge >= cost AND used_at_charge <= limit_at_charge),
        CONSTRAINT requests_attempt_check CHECK (attempt >= CASE WHEN status = 'processing' THEN 1 ELSE 0 END),
        CONSTRAINT requests_lease_expires_at_check CHECK ((lease_expires_at IS NOT NULL) = (status = 'processing')),
        CONSTRAINT requests_available_at_check CHECK (available_at IS NULL OR status = 'pending'),
        CONSTRAINT requests_finished_at_check CHECK (finished_at IS NULL OR status NOT IN ('pending', 'processing')),
        CONSTRAINT requests_held_check CHECK (NOT held OR status <> 'pending')
      )
    `);
    await queryRunner.query(`
      CREATE INDEX requests_user_id_id_idx ON requests (user_id, id)
    `);
    // From here on indexes of what is at work only: claiming costs the same however many requests are finished. By time, not
    // by id: no index of the whole table has that order, so a plan cannot take one of those instead.
    await queryRunner.query(`
      CREATE INDEX requests_type_created_at_idx ON requests (type, created_at) WHERE status = 'pending' AND available_at IS NULL
    `);
    await queryRunner.query(`
      CREATE INDEX requests_type_user_id_created_at_idx ON requests (type, user_id, created_at) WHERE status = 'pending' AND available_at IS NULL
    `);
    await queryRunner.query(`
      CREATE INDEX requests_type_available_at_idx ON requests (type, available_at) WHERE status = 'pending' AND available_at IS NOT NULL
    `);
    await queryRunner.query(`
      CREATE INDEX requests_type_lease_expires_at_idx ON requests (type, lease_expires_at) WHERE status = 'processing'
    `);
    // Nobody claims a reservation of the gateway, so its lease is watched by itself.
    await queryRunner.query(`
      CREATE INDEX requests_lease_expires_at_idx ON requests (lease_expires_at) WHERE status = 'processing' AND held
    `);
    await queryRunner.query(`
      CREATE INDEX requests_deadline_at_idx ON requests (deadline_at) WHERE status = 'pending' AND deadline_at IS NOT NULL
    `);
    // What operators look for; requests enter it only when they end, so submits do not pay for it.
    await queryRunner.query(`
      CREATE INDEX requests_status_id_idx ON requests (status, id) WHERE status IN ('failed', 'canceled', 'expired')
    `);
    // What the cap on refunds of a day adds up: never more rows than units under the cap.
    await queryRunner.query(`
      CREATE INDEX requests_user_id_charged_on_idx ON requests (user_id, charged_on)
      WHERE refunded_units > 0 AND status IN ('failed', 'canceled', 'expired')
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE requests`);
    await queryRunner.query(`DROP FUNCTION next_request_id()`);
  }
}
