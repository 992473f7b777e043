import { randomBytes } from 'node:crypto';
import { Connections } from '../../src/database/connections';
import { migrate } from '../../src/database/migrate';
import { createDatabase, execute, withDatabase } from '../support/databases';
import { PASSWORD } from '../support/factories';
import { startReplica } from '../support/service';

describe('a role that owns its database and may nothing else', () => {
  it('is all that migrations and the service need, even where it may not know the system', async () => {
    const database = await createDatabase(null);
    const administer = (sql: string) => execute(withDatabase(database.url, 'postgres'), sql);
    const name = /\/(quotidian_test_\w+)/.exec(database.url)?.[1] as string;
    const role = `plain_${randomBytes(4).toString('hex')}`;
    await administer(`CREATE ROLE ${role} LOGIN NOSUPERUSER PASSWORD 'secret'`);
    await administer(`ALTER DATABASE ${name} OWNER TO ${role}`);
    // As some hosted servers do.
    await execute(database.url, 'REVOKE EXECUTE ON FUNCTION pg_control_system(), pg_current_wal_insert_lsn() FROM PUBLIC');
    const url = database.url.replace(/^(\w+:\/\/)[^@/]*@/, `$1${role}:secret@`);
    try {
      expect((await migrate(url)).length).toBeGreaterThan(10);
      const replica = await startReplica(url);
      try {
        await replica.as().get('/health/ready').expect(200);
        await replica.as().post('/v1/auth/register').send({ email: 'plain@example.com', password: PASSWORD }).expect(201);
      } finally {
        await replica.close();
      }
    } finally {
      await database.drop();
      await administer(`DROP ROLE ${role}`);
    }
  });

  it('needs no more than a schema of its own, by whatever path, and no temporary tables', async () => {
    const database = await createDatabase(null);
    const role = `schema_${randomBytes(4).toString('hex')}`;
    const name = /\/(quotidian_test_\w+)/.exec(database.url)?.[1] as string;
    for (const sql of [
      `CREATE ROLE ${role} LOGIN NOSUPERUSER PASSWORD 'secret'`,
      `REVOKE ALL ON DATABASE ${name} FROM PUBLIC`,
      `GRANT CONNECT ON DATABASE ${name} TO ${role}`,
      'REVOKE ALL ON SCHEMA public FROM PUBLIC',
      `CREATE SCHEMA "Metering" AUTHORIZATION ${role}`,
    ]) {
      await execute(database.url, sql);
    }
    const url = database.url.replace(/^(\w+:\/\/)[^@/]*@/, `$1${role}:secret@`);
    try {
      await expect(Connections.open(url, { schema: 'metering' })).rejects.toThrow('DATABASE_SCHEMA names "metering"');
      expect((await migrate(await Connections.open(url, { schema: 'Metering' }))).length).toBeGreaterThan(10);
      const replica = await startReplica(url, { DATABASE_SCHEMA: 'Metering' });
      try {
        await replica.as().get('/health/ready').expect(200);
        await replica.as().post('/v1/auth/register').send({ email: 'plain@example.com', password: PASSWORD }).expect(201);
      } finally {
        await replica.close();
      }
    } finally {
      await database.drop();
      await execute(withDatabase(database.url, 'postgres'), `DROP ROLE ${role}`);
    }
  });
});
