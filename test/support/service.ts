import { type Type } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, type CustomTypesConfig, Pool, types } from 'pg';
import request from 'supertest';
import { createApp } from '../../src/app';
import { type Environment } from '../../src/config/environment';
import { openApiDocument } from '../../src/openapi/document';
import { createDatabase, type TestDatabase, withDatabase } from './databases';
import { holdToDocument } from './wire/hold';

/** Days are compared as they are written. */
const asText: CustomTypesConfig = {
  getTypeParser: (oid, format) => (oid === types.builtins.DATE ? String : types.getTypeParser(oid, format)) as never,
};

export type Http = ReturnType<typeof request.agent>;

/** One replica: the application of `createApp()`, listening on a port of its own. */
export interface Replica {
  app: NestFastifyApplication;
  url: string;
  /** HTTP with a credential, or without one. */
  as(credential?: string | { key: string }): Http;
  close(): Promise<void>;
}

/** A database of its own with one or more replicas on it. */
export interface Service extends Replica {
  databaseUrl: string;
  replicas: Replica[];
  /** Plain SQL beside the service. */
  sql<T = Record<string, unknown>>(text: string, values?: unknown[]): Promise<T[]>;
}

export interface ServiceOptions {
  replicas?: number;
  environment?: Partial<Environment>;
  database?: TestDatabase;
  /** Features of the test's own; answers are then held to the document with them. */
  modules?: Type<object>[];
}

/** With `TEST_PGBOUNCER=1` the tests' own server is reached through a pooler in transaction mode, and directly only where sessions are needed. */
function wayTo(databaseUrl: string): Partial<Environment> {
  const { TEST_SERVER_URL: server, TEST_BOUNCER_URL: bouncer } = process.env;
  // Nest keeps what one replica was given in the process's environment, for the next.
  const direct = { DATABASE_URL: databaseUrl, DATABASE_DIRECT_URL: '', DATABASE_READ_URL: '', DATABASE_SCHEMA: '', DATABASE_URL_FILE: '' };
  if (bouncer === undefined || server === undefined || databaseUrl.includes(',')) return direct;
  const [there, own] = [databaseUrl, server].map((connectionString) => new Client({ connectionString }));
  if (there?.host !== own?.host || there?.port !== own?.port) return direct;
  const options = /[?&](options=[^&]*)/.exec(databaseUrl)?.[1];
  return { DATABASE_URL: `${withDatabase(bouncer, there?.database ?? '')}${options ? `?${options}` : ''}`, DATABASE_DIRECT_URL: databaseUrl };
}

/** Boots what `npm start` boots. The scheduler is off unless a test asks for it. */
export async function startService({ replicas: count = 1, environment, database, modules }: ServiceOptions = {}): Promise<Service> {
  const { url: databaseUrl, drop } = database ?? (await createDatabase());
  // What a test makes of the database's defaults is for the service to bear, not for the test's own statements.
  const pool = new Pool({ connectionString: databaseUrl, max: 4, types: asText, options: '-c default_transaction_isolation=read\\ committed' });
  pool.on('error', () => undefined);
  const replicas = await Promise.all(Array.from({ length: count }, () => startReplica(databaseUrl, environment, modules)));
  const [first] = replicas as [Replica];
  return {
    ...first,
    databaseUrl,
    replicas,
    sql: async <T>(text: string, values?: unknown[]) => (await pool.query(text, values)).rows as T[],
    close: async () => {
      await Promise.all(replicas.map((replica) => replica.close()));
      await pool.end();
      await drop();
    },
  };
}

export async function startReplica(databaseUrl: string, environment: Partial<Environment> = {}, modules?: Type<object>[]): Promise<Replica> {
  const dataDir = mkdtempSync(join(tmpdir(), 'quotidian-data-'));
  const app = await createApp({
    modules,
    environment: {
      NODE_ENV: 'test',
      ...wayTo(databaseUrl),
      DATA_DIR: dataDir,
      JWT_SECRET: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
      SECRETS_KEY: '101112131415161718191a1b1c1d1e1f000102030405060708090a0b0c0d0e0f',
      SCHEDULER_ENABLED: false,
      TEST_CLOCK: false,
      DATABASE_POOL_SIZE: 5,
      LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
      ...environment,
    },
  });
  holdToDocument(app.getHttpServer(), modules && openApiDocument(app));
  const close = async () => {
    await app.close();
    rmSync(dataDir, { recursive: true, force: true });
  };
  // One that does not start holds connections all the same.
  await app.listen(0, '127.0.0.1').catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const { port } = app.getHttpServer().address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    app,
    url,
    as(credential) {
      const agent = request.agent(url);
      const text = typeof credential === 'object' ? credential.key : credential;
      return text === undefined ? agent : agent.set('authorization', `Bearer ${text}`);
    },
    close,
  };
}
