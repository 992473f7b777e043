import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Where a session was begun or refreshed last, and the devices that a user is known to sign in from. Sessions of before show neither until they are refreshed. */
export class ShowDevicesOfSessions1795752000300 implements MigrationInterface {
  name = 'ShowDevicesOfSessions1795752000300';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE sessions ADD COLUMN address varchar(45), ADD COLUMN user_agent varchar(300)
    `);
    await queryRunner.query(`
      CREATE TABLE known_devices (
        user_id integer NOT NULL,
        device_hash bytea NOT NULL,
        last_seen_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT known_devices_pkey PRIMARY KEY (user_id, device_hash),
        CONSTRAINT known_devices_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT known_devices_device_hash_check CHECK (octet_length(device_hash) = 32)
      )
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE known_devices`);
    await queryRunner.query(`ALTER TABLE sessions DROP COLUMN user_agent, DROP COLUMN address`);
  }
}
