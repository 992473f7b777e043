import pg from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import { Calls } from '../calls.mjs';
import { Sockets, wire } from '../sockets.mjs';

async function oneByOne(signal, calls, round) {
  let rounds = 0;
  while (!signal.aborted) {
    await round(rounds++);
    await delay(20);
  }
  await calls.stop();
  return `${rounds} times, answers ${JSON.stringify(calls.statuses)}`;
}

/** What operators and other programs on the tables do, as large as it may be. */
export const OPERATORS = {
  'a row that another program holds locked': async (stage, signal) => {
    const [{ id, key }] = stage.hostile;
    const client = new pg.Client({ connectionString: stage.url });
    await client.connect();
    await client.query('BEGIN');
    await client.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [id]);
    // More submits of the user's wait than the whole queue holds.
    const sockets = new Sockets(stage.port);
    const submit = wire('POST', '/v1/requests', { key, body: '{"type":"locked","payload":{}}' });
    for (let i = 0; i < 4_500 && !signal.aborted; i++) {
      await sockets.connect((socket) => socket.write(submit));
      if (i % 25 === 0) await delay(2);
    }
    while (!signal.aborted) await delay(20);
    sockets.close();
    await client.query('ROLLBACK');
    await client.end();
    return `answers ${JSON.stringify(sockets.statuses)}`;
  },

  'edits of a plan that a crowd is on': async (stage, signal) => {
    const calls = new Calls(stage, 1);
    const { key } = stage.admin;
    const { id } = JSON.parse((await calls.send({ path: '/v1/tiers?limit=100', key })).text).items.find(({ name }) => name.startsWith('crowd'));
    return oneByOne(signal, calls, (n) =>
      calls.send({ method: 'PATCH', path: `/v1/tiers/${id}`, key, body: JSON.stringify(n % 3 === 2 ? { name: `crowd-${n}` } : { dailyQuota: 100 + n }) }),
    );
  },

  'deletions of users with many requests': async (stage, signal) => {
    const calls = new Calls(stage, 1);
    const { key } = stage.admin;
    const made = await stage.sql(`INSERT INTO users (email, password_hash) SELECT 'leaver-' || random(), '-' FROM generate_series(1, 5) RETURNING id`);
    const ids = made.map(({ id }) => id);
    await stage.sql(
      `INSERT INTO requests (user_id, type, status, charged_on, started_at, finished_at)
       SELECT u, 'old', 'succeeded', current_date - 1, now(), now() FROM unnest($1::integer[]) u, generate_series(1, 20000)`,
      [ids],
    );
    return oneByOne(signal, calls, async () => {
      const id = ids.pop();
      if (id !== undefined) await calls.send({ method: 'DELETE', path: `/v1/users/${id}`, key });
    });
  },

  'lists and overviews of everything': async (stage, signal) => {
    const calls = new Calls(stage, 4);
    signal.addEventListener('abort', () => (calls.stopped = true), { once: true });
    const { key } = stage.admin;
    const paths = [
      '/v1/users?tier=crowd&limit=100',
      '/v1/users?quotaUsedAtLeast=0.5',
      '/v1/requests?limit=100',
      '/v1/jobs',
      '/metrics',
      '/v1/audit-events?limit=100',
    ];
    await calls.flood((n) => ({ path: paths[n % paths.length], key }));
    await calls.stop();
    return `answers ${JSON.stringify(calls.statuses)}`;
  },
};
