import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Environment } from '../config/environment';
import { type Connections } from '../database/connections';
import { type ReadReplica } from '../database/read-replica';
import { failure, type Finding, ok, unknown, warning } from './finding';
import { type ServerFacts, type ServerRepository } from './server.repository';

/** What a replica has beside DATABASE_POOL_SIZE: admission, transitions, shared statements, close-out, LISTEN and the watch. */
const OTHER_CONNECTIONS = 13;
const CLOCK_TOLERANCE_MS = 2_000;
const LONG_TRANSACTION_S = 300;
const SLOT_BYTES = 1_000_000_000;
const XID_WARNING = 1_000_000_000;
const XID_FAILURE = 1_800_000_000;
const FLUSHES = 20;
const SLOW_FLUSH_MS = 10;
const ROUND_TRIP_MS = 2_000;
const REPLICA_LOOKS = 5;
const REPLICA_PAUSE_MS = 400;

export async function serverFindings(server: ServerRepository, environment: Environment): Promise<Finding[]> {
  const before = Date.now();
  const facts = await server.facts();
  const after = Date.now();
  return [ok('version', `PostgreSQL ${facts.version}`), ...durability(facts), clock(facts.nowMs, before, after), room(facts, environment), wraparound(facts)];
}

function durability({ fsync, fullPageWrites, synchronousCommit }: ServerFacts): Finding[] {
  return [
    fsync === 'on'
      ? ok('fsync', 'on')
      : failure('fsync', 'off: a crash of the machine can destroy the database', `psql -c "ALTER SYSTEM SET fsync = on" -c "SELECT pg_reload_conf()"`),
    fullPageWrites === 'on'
      ? ok('full_page_writes', 'on')
      : failure('full_page_writes', 'off: a crash can leave torn pages', `psql -c "ALTER SYSTEM SET full_page_writes = on" -c "SELECT pg_reload_conf()"`),
    // Ours is on whatever is set there; other programs that write to the tables go by it.
    synchronousCommit === 'off'
      ? warning(
          'synchronous_commit',
          'off for other programs; the service sets it to on for itself',
          `psql -c "ALTER SYSTEM SET synchronous_commit = on" -c "SELECT pg_reload_conf()"`,
        )
      : ok('synchronous_commit', synchronousCommit),
  ];
}

function clock(databaseMs: number, before: number, after: number): Finding {
  const offMs = databaseMs < before ? before - databaseMs : Math.max(0, databaseMs - after);
  return offMs <= CLOCK_TOLERANCE_MS
    ? ok('clocks', `the database's and this machine's differ by less than ${CLOCK_TOLERANCE_MS / 1_000} s`)
    : warning('clocks', `the database's and this machine's differ by ${Math.round(offMs / 1_000)} s; the database's counts`, 'timedatectl set-ntp true');
}

function room({ maxConnections, reserved, replicas, connections }: ServerFacts, { DATABASE_POOL_SIZE }: Environment): Finding {
  const [usable, processes, each] = [maxConnections - reserved, Math.max(1, replicas), DATABASE_POOL_SIZE + OTHER_CONNECTIONS];
  const detail = `${processes} × ${each} of ours at most, ${usable} allowed, ${connections} open now`;
  return processes * each <= usable
    ? ok('connections', detail)
    : warning('connections', detail, `DATABASE_POOL_SIZE=${Math.max(2, Math.floor(usable / processes) - OTHER_CONNECTIONS)}`);
}

function wraparound({ xidAge }: ServerFacts): Finding {
  if (xidAge < XID_WARNING) return ok('transaction ids', `the oldest is ${xidAge} old`);
  const found = xidAge < XID_FAILURE ? warning : failure;
  return found('transaction ids', `the oldest is ${xidAge} old; at 2,100,000,000 the server takes no more writes`, 'vacuumdb --all --freeze');
}

/** What holds on to old rows, or to the log. */
export async function holdFindings(server: ServerRepository): Promise<Finding[]> {
  const [long, prepared, slots] = await Promise.all([
    server.longTransactions(LONG_TRANSACTION_S),
    server.preparedTransactions(LONG_TRANSACTION_S),
    server.idleSlots(SLOT_BYTES).catch(() => null),
  ]);
  const found = [
    ...long.map(({ pid, application, seconds }) =>
      warning(
        'oldest transaction',
        `${application} (${pid}) has been in one for ${seconds} s: dead rows stay, and migrations wait`,
        `psql -c "SELECT pg_terminate_backend(${pid})"`,
      ),
    ),
    ...prepared.map(({ gid }) => warning('prepared transactions', `${JSON.stringify(gid)} was left open`, `psql -c "ROLLBACK PREPARED '${gid}'"`)),
    ...(slots ?? []).map(({ name, retainedBytes }) =>
      warning(
        'replication slots',
        `${name} keeps ${Math.round(retainedBytes / 1e9)} GB of the log for nobody`,
        `psql -c "SELECT pg_drop_replication_slot('${name}')"`,
      ),
    ),
  ];
  return found.length > 0 ? found : [ok('oldest transaction', `none of more than ${LONG_TRANSACTION_S} s`)];
}

export async function flushFinding(server: ServerRepository): Promise<Finding> {
  const times: number[] = [];
  for (let i = 0; i < FLUSHES; i++) {
    const startedAt = performance.now();
    await server.flush();
    times.push(performance.now() - startedAt);
  }
  const median = times.sort((a, b) => a - b)[FLUSHES / 2] as number;
  const detail = `a commit takes ${median.toFixed(1)} ms (median of ${FLUSHES})`;
  return median < SLOW_FLUSH_MS ? ok('log flush', detail) : warning('log flush', detail, 'pg_test_fsync');
}

/** A pooler is no fault; that nobody can listen behind it is worth to be known. */
export function poolerFinding({ pooled, sessions }: Connections): Finding {
  if (!pooled) return ok('pooler', 'none');
  return sessions === null
    ? warning('pooler', 'DATABASE_URL leads through one: changes are polled for, and migrations are refused', 'DATABASE_DIRECT_URL=<the server itself>')
    : ok('pooler', 'DATABASE_URL leads through one, DATABASE_DIRECT_URL around it');
}

export async function listenFinding(connections: Connections, server: ServerRepository): Promise<Finding> {
  if (connections.sessions === null) return unknown('LISTEN', 'not tried behind a pooler');
  const channel = `quotidian_doctor_${randomBytes(6).toString('hex')}`;
  const client = connections.sessions.client({ application: 'quotidian doctor' });
  await client.connect();
  try {
    const arrived = new Promise<boolean>((resolve) => client.once('notification', () => resolve(true)));
    await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
    const startedAt = performance.now();
    await server.notify(channel, '');
    const came = await Promise.race([arrived, delay(ROUND_TRIP_MS, false, { ref: false })]);
    return came
      ? ok('LISTEN', `a notification came back in ${Math.ceil(performance.now() - startedAt)} ms`)
      : failure('LISTEN', 'a notification did not come back: revoked keys and settings are polled for', 'DATABASE_DIRECT_URL=<the server itself>');
  } finally {
    await client.end();
  }
}

/** @param replica what DATABASE_READ_URL names; null: nothing */
export async function replicaFinding(replica: ReadReplica | null): Promise<Finding> {
  if (replica === null) return ok('read replica', 'none: everything is read from the primary');
  try {
    for (let looks = 0; looks < REPLICA_LOOKS; looks++) {
      await replica.look();
      if (replica.asOf !== null) return ok('read replica', `${replica.name} has all that was committed ${age(replica.asOf.at)} ago`);
      await delay(REPLICA_PAUSE_MS, undefined, { ref: false });
    }
    const behind = `it did not replay within ${(REPLICA_LOOKS * REPLICA_PAUSE_MS) / 1_000} s what was committed before`;
    return warning(
      'read replica',
      `${replica.name}: ${replica.problem ?? behind}; lists are read from the primary`,
      'DATABASE_READ_URL=<a replica that follows>',
    );
  } finally {
    await replica.close();
  }
}

function age(at: number): string {
  return `${((performance.now() - at) / 1_000).toFixed(1)} s`;
}
