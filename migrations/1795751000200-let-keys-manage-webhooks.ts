import { type MigrationInterface, type QueryRunner } from 'typeorm';

const before = ['requests:read', 'requests:write', 'quota:read', 'configurations:read', 'configurations:write', 'service', 'worker', 'admin'];
const after = [...before.slice(0, 5), 'webhooks:read', 'webhooks:write', ...before.slice(5)];
const listed = (scopes: string[]) => scopes.map((scope) => `'${scope}'`).join(', ');

/** Two more scopes of API keys. No row can break the wider rule; it is validated in the next migration, without a lock that others wait for. */
export class LetKeysManageWebhooks1795751000200 implements MigrationInterface {
  name = 'LetKeysManageWebhooks1795751000200';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE api_keys DROP CONSTRAINT api_keys_scopes_check`);
    await queryRunner.query(`ALTER TABLE api_keys ADD CONSTRAINT api_keys_scopes_check CHECK (scopes <@ ARRAY[${listed(after)}]) NOT VALID`);
  }

  /** The scopes are taken out of the keys that have them, which the narrower rule would refuse. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      UPDATE api_keys SET scopes = array_remove(array_remove(scopes, 'webhooks:read'), 'webhooks:write')
      WHERE scopes && ARRAY['webhooks:read', 'webhooks:write']
    `);
    await queryRunner.query(`ALTER TABLE api_keys DROP CONSTRAINT api_keys_scopes_check`);
    await queryRunner.query(`ALTER TABLE api_keys ADD CONSTRAINT api_keys_scopes_check CHECK (scopes <@ ARRAY[${listed(before)}])`);
  }
}
