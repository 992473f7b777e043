import { spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { request } from 'undici';
import { built } from '../../bench/support/built.mjs';
import { debianFolder } from '../../bench/support/postgres.mjs';
import { freePort } from '../../bench/support/service.mjs';

const MEMBERS = ['a', 'b', 'c'];
const PATRONI = '/usr/bin/patroni';
const ETCD = '/usr/bin/etcd';
const SETPRIV = '/usr/bin/setpriv';
const STARTS_WITHIN_MS = 120_000;

/** Why there can be no such cluster here; null when there can. */
export const NO_PATRONI =
  [PATRONI, ETCD, SETPRIV].every((path) => existsSync(path)) && debianFolder() !== undefined
    ? null
    : 'Patroni, etcd or PostgreSQL of Debian is not installed (apt-get install patroni etcd-server postgresql)';

/**
 * What every member is to keep to, in etcd. The shortest silence of a leader that Patroni allows; a standby that has each
 * commit, and only such a one is promoted; and a leader that goes on without etcd while it reaches all members.
 */
export const RULES = { ttl: 20, loop_wait: 2, retry_timeout: 3, synchronous_mode: true, failsafe_mode: true, maximum_lag_on_failover: 1_048_576 };

/** Three members of Patroni, and three of etcd, on ports of this machine. */
export class PatroniCluster {
  folder = mkdtempSync(join(tmpdir(), 'quotidian-patroni-'));
  account = built('database/embedded/server-account').serverAccount();
  /** @type {Process[]} */
  etcd = [];
  /** @type {Member[]} */
  members = [];

  static async start(database) {
    const cluster = new PatroniCluster();
    try {
      chmodSync(cluster.folder, 0o755);
      await cluster.startEtcd();
      for (const name of MEMBERS) cluster.members.push(new Member(name, cluster, await freePort(), await freePort()));
      for (const member of cluster.members) member.launch();
      await cluster.whole();
      await (await cluster.leader()).query(`CREATE DATABASE ${database}`);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  async startEtcd() {
    const places = [];
    for (const name of MEMBERS) places.push({ name, client: `http://127.0.0.1:${await freePort()}`, peer: `http://127.0.0.1:${await freePort()}` });
    this.endpoints = places.map(({ client }) => client.slice('http://'.length));
    const initial = places.map(({ name, peer }) => `${name}=${peer}`).join(',');
    this.etcd = places.map(({ name, client, peer }) => {
      const own = ['--listen-client-urls', client, '--advertise-client-urls', client, '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer];
      const flags = ['--name', name, '--data-dir', this.ownFolder(`etcd-${name}`), ...own, '--initial-cluster', initial, '--initial-cluster-state', 'new'];
      return new Process(this, `etcd-${name}`, ETCD, flags);
    });
    for (const one of this.etcd) one.launch();
  }

  ownFolder(name) {
    const path = join(this.folder, name);
    mkdirSync(path, { mode: 0o700 });
    if (this.account.uid !== undefined) chownSync(path, this.account.uid, this.account.gid);
    return path;
  }

  /** Names all members: whoever takes writes is used. */
  url(database) {
    return `postgres://postgres@${this.members.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${database}?target_session_attrs=read-write`;
  }

  /** Waits until there is one, and one alone: whoever comes back may take itself for the primary for a moment. */
  async leader() {
    for (const deadline = Date.now() + STARTS_WITHIN_MS; ; await delay(100)) {
      const roles = await Promise.all(this.members.map((member) => member.role()));
      const leading = this.members.filter((_, i) => roles[i] === 'primary');
      if (leading.length === 1) return leading[0];
      if (Date.now() > deadline) throw new Error(`nobody leads:\n${this.members.map((member) => member.log()).join('\n')}`);
    }
  }

  /** Waits until there is a leader whose commits wait for another member, and all others follow it. */
  async whole() {
    for (const deadline = Date.now() + STARTS_WITHIN_MS; ; await delay(200)) {
      const leader = await this.leader();
      const rows = await leader.query('SELECT sync_state FROM pg_stat_replication').catch(() => []);
      if (rows.length === MEMBERS.length - 1 && rows.some(({ sync_state }) => sync_state === 'sync')) return;
      if (Date.now() > deadline) throw new Error(`the cluster is not whole: ${JSON.stringify(rows)}\n${this.members.map((member) => member.log()).join('\n')}`);
    }
  }

  async stop() {
    for (const member of this.members) member.die();
    for (const one of this.etcd) one.signal('SIGKILL');
    await Promise.all([...this.members, ...this.etcd].map(({ gone }) => gone));
    // The server's own processes notice a little later that it is gone.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  }
}

/** A program under the account of the server, which ends with us. */
class Process {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  child;
  gone = Promise.resolve();

  constructor(cluster, name, program, flags) {
    this.cluster = cluster;
    this.name = name;
    this.program = program;
    this.flags = flags;
    this.logFile = join(cluster.folder, `${name}.log`);
  }

  launch() {
    const { uid, gid } = this.cluster.account;
    const drop = uid === undefined ? [] : [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
    const log = openSync(this.logFile, 'a');
    const args = ['--pdeathsig=KILL', ...drop, '--', this.program, ...this.flags];
    this.child = spawn(SETPRIV, args, { cwd: '/', stdio: ['ignore', log, log], env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', TZ: 'UTC' } });
    this.gone = new Promise((resolve) => this.child?.once('exit', () => resolve()));
  }

  /** @param {NodeJS.Signals} name */
  signal(name) {
    this.child?.kill(name);
  }

  log() {
    return `${this.name}: ${existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8').split('\n').slice(-8).join('\n') : ''}`;
  }
}

/** Patroni and its PostgreSQL. */
export class Member extends Process {
  constructor(name, cluster, port, restPort) {
    const config = join(cluster.folder, `${name}.yml`);
    super(cluster, name, PATRONI, [config]);
    this.port = port;
    this.restPort = restPort;
    this.data = cluster.ownFolder(`data-${name}`);
    // JSON is YAML.
    writeFileSync(config, JSON.stringify(this.configuration(), null, 2), { mode: 0o644 });
  }

  configuration() {
    const { name, cluster, port, restPort, data } = this;
    const [listen, rest] = [`127.0.0.1:${port}`, `127.0.0.1:${restPort}`];
    const parameters = { max_connections: 100, shared_buffers: '64MB', wal_keep_size: '256MB', fsync: 'on' };
    return {
      scope: 'quotidian',
      name,
      restapi: { listen: rest, connect_address: rest },
      etcd3: { hosts: cluster.endpoints },
      bootstrap: {
        dcs: { ...RULES, postgresql: { use_pg_rewind: true, use_slots: true, parameters } },
        initdb: [{ encoding: 'UTF8' }, { locale: 'C' }, 'data-checksums'],
      },
      postgresql: {
        listen,
        connect_address: listen,
        data_dir: data,
        bin_dir: debianFolder(),
        pgpass: join(cluster.ownFolder(`pass-${name}`), 'pgpass'),
        authentication: { superuser: { username: 'postgres' }, replication: { username: 'replicator' } },
        parameters: { unix_socket_directories: cluster.ownFolder(`socket-${name}`) },
        pg_hba: ['local all all trust', 'host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust'],
      },
    };
  }

  /** The first process of its PostgreSQL. */
  get serverPid() {
    const file = join(this.data, 'postmaster.pid');
    return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : undefined;
  }

  /** As a machine that loses its power: neither ends by itself, and none of what runs there is asked. */
  die() {
    this.signal('SIGKILL');
    signalTree(this.serverPid, 'SIGKILL');
  }

  /** Neither Patroni nor PostgreSQL goes on, and every connection stays open. */
  freeze() {
    this.signal('SIGSTOP');
    signalTree(this.serverPid, 'SIGSTOP');
  }

  thaw() {
    signalTree(this.serverPid, 'SIGCONT');
    this.signal('SIGCONT');
  }

  /** As PostgreSQL itself has it, not as Patroni takes it to be. */
  async role() {
    const rows = await this.query('SELECT pg_is_in_recovery() AS standby').catch(() => []);
    return rows.length === 0 ? 'away' : rows[0].standby ? 'standby' : 'primary';
  }

  /** @returns {Promise<any[]>} */
  async query(text, values = [], database = 'postgres') {
    const client = new pg.Client({ host: '127.0.0.1', port: this.port, user: 'postgres', database, connectionTimeoutMillis: 2_000, query_timeout: 10_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query(text, values)).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  /** Asks this one, as the leader, to give over to another. */
  async handOver() {
    const body = JSON.stringify({ leader: this.name });
    const headers = { 'content-type': 'application/json' };
    const answer = await request(`http://127.0.0.1:${this.restPort}/switchover`, { method: 'POST', headers, body, headersTimeout: 60_000 });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`the switch-over was answered ${answer.statusCode} ${text}`);
  }
}

/** A process and those that it began. */
function signalTree(pid, name) {
  if (pid === undefined) return;
  const children = existsSync(`/proc/${pid}/task/${pid}/children`) ? readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean) : [];
  for (const one of [pid, ...children.map(Number)]) {
    try {
      process.kill(one, name);
    } catch {
      // It ended meanwhile.
    }
  }
}
