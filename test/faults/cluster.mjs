import pg from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import { built } from '../../bench/support/built.mjs';
import { PostgresServer } from '../../bench/support/postgres.mjs';
import { ServiceProcess } from '../../bench/support/service.mjs';

const DATABASE = 'faults';

/** A PostgreSQL and replicas of the built service on it, and the ways to hurt them. */
export class Cluster {
  /** @type {ServiceProcess[]} */
  replicas = [];
  /** @type {PostgresServer} */
  server;

  /**
   * @param {{ replicas?: number, settings?: string[], environment?: Record<string, string | undefined>, root?: string, prepare?: string, binDir?: string, service?: Record<string, string> }} options
   * `environment` is the server's, `service` the replicas'; `root` names another build than ours; `prepare` is what the database is given before the replicas come.
   */
  static async start({ replicas = 1, root, prepare, service = {}, ...server } = {}) {
    const cluster = new Cluster();
    cluster.server = await PostgresServer.start(server);
    try {
      await cluster.server.query(`CREATE DATABASE ${DATABASE}`);
      await built('database/migrate').migrate(cluster.url);
      if (prepare) await cluster.sql(prepare);
      const databaseUrl = cluster.url;
      const start = () => ServiceProcess.start({ databaseUrl, root, environment: { DATABASE_POOL_SIZE: '5', LOG_LEVEL: 'warn', ...service } });
      cluster.replicas = await Promise.all(Array.from({ length: replicas }, start));
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  get url() {
    return this.server.url(DATABASE);
  }

  sql(text, values) {
    return this.server.query(text, values, DATABASE);
  }

  /** Runs several statements on one connection. */
  async session(work) {
    const client = new pg.Client({
      connectionString: this.url,
      types: {
        getTypeParser: (/** @type {number} */ oid, format) => (oid === 1082 || oid === 20 ? String : pg.types.getTypeParser(oid, format)),
      },
    });
    // A crash between two statements is found by the next one.
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await work(async (text, values) => (await client.query(text, values)).rows);
    } finally {
      await client.end();
    }
  }

  /** Ends a replica where it stands, and starts it again. */
  async kill(replica) {
    await replica.end('SIGKILL');
    await this.launch(replica);
  }

  /** PostgreSQL may be down when a replica comes up: whoever runs it would start it again. */
  async launch(replica) {
    for (const deadline = Date.now() + 60_000; ; await delay(200)) {
      try {
        return await replica.launch();
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await replica.end('SIGKILL');
      }
    }
  }

  /** Ends PostgreSQL as a crash would, and starts it again. */
  async crash(pauseMs) {
    await this.server.stopAtOnce();
    await delay(pauseMs);
    await this.server.launch();
  }

  /** Ends every connection of the replicas, some times in a row. */
  async terminate(times) {
    for (let i = 0; i < times; i++) {
      await this.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND application_name LIKE 'quotidian%'`, [DATABASE]).catch(
        () => undefined,
      );
      await delay(100);
    }
  }

  /** Stops a replica's clock for a while: its connections stay open and state nothing. */
  async freeze(replica, durationMs) {
    replica.child.kill('SIGSTOP');
    await delay(durationMs);
    replica.child.kill('SIGCONT');
  }

  async stopReplicas() {
    await Promise.all(this.replicas.map((replica) => replica.stop()));
  }

  async stop() {
    await this.stopReplicas();
    await this.server.stop();
  }
}
