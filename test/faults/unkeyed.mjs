import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { makeAccounts, SERVICE_SCOPES } from '../../bench/support/accounts.mjs';
import { auditFindings, brokenInvariants } from './books.mjs';
import { Cluster } from './cluster.mjs';
import { zoneAtNoon } from './workload.mjs';

const CALLS = 12;
const ITEMS = 10;
const QUOTA = 150;
const CLIENTS = 8;
const GIVE_UP_MS = 60_000;
/** Longer than a batch waits for a row: what wants it goes to the lane. */
const HELD_MS = 120;

/**
 * Submits without an Idempotency-Key, as the plain statement takes them: calls of many, whose items are decided in order of
 * arrival; users who ask for more than they have from many clients of two replicas; and a row that is held again and again
 * meanwhile, so that both replicas charge it in their lanes.
 * @param {{ root?: string, prepare?: string }} [options]
 */
export async function runUnkeyed(options = {}) {
  const cluster = await Cluster.start({ replicas: 2, ...options });
  const agent = new Agent({ connections: 64, headersTimeout: 20_000 });
  try {
    const make = (count, dailyQuota) =>
      makeAccounts((text, values) => cluster.sql(text, values), count, { dailyQuota, timeZone: zoneAtNoon(), scopes: SERVICE_SCOPES });
    const ordered = await make(2, 1_000_000);
    const limited = await make(3, QUOTA);
    const spent = await make(4, 1);
    /** @type {string[]} */
    const broken = [];
    const admitted = new Map();
    const post = async (user, replica, path, body) => {
      const headers = { authorization: `Bearer ${user.key}`, 'content-type': 'application/json' };
      const answer = await request(`${replica.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body), dispatcher: agent });
      return { status: answer.statusCode, body: JSON.parse(await answer.body.text()) };
    };

    const sendCalls = async (user, replica) => {
      for (let call = 0; call < CALLS; call++) {
        const items = Array.from({ length: ITEMS }, (_, n) => ({ type: 'report', payload: { call, n }, cost: 1 + (n % 3) }));
        const { status, body } = await post(user, replica, '/v1/requests/batch', { items });
        if (status !== 200 || body.items.some((item) => item.status !== 201))
          broken.push(`a call of many was answered ${status} ${JSON.stringify(body).slice(0, 200)}`);
      }
    };
    /** Until there is nothing left. */
    const spend = async (user, replica) => {
      for (const deadline = Date.now() + GIVE_UP_MS; ;) {
        const { status, body } = await post(user, replica, '/v1/requests', { type: 'report' });
        if (status === 201) admitted.set(user, (admitted.get(user) ?? 0) + 1);
        else if (status === 429) return;
        else if (status !== 503) return void broken.push(`a submit was answered ${status} ${JSON.stringify(body).slice(0, 200)}`);
        if (Date.now() > deadline || (admitted.get(user) ?? 0) > QUOTA * 2) return void broken.push('I1 there was no end to what was admitted');
      }
    };
    /** The other replica knows nothing of it yet: it has only the row to go by. */
    const overspend = async (user) => {
      const first = await post(user, cluster.replicas[0], '/v1/requests', { type: 'report' });
      const second = await post(user, cluster.replicas[1], '/v1/requests', { type: 'report' });
      if (first.status !== 201 || second.status !== 429) broken.push(`I1 a quota of 1 was answered ${first.status} and ${second.status}`);
    };
    let spending = true;
    const hold = cluster.session(async (sql) => {
      while (spending) {
        await sql('BEGIN');
        await sql('SELECT FROM users WHERE id = $1 FOR UPDATE', [limited[0].id]);
        await delay(HELD_MS);
        await sql('COMMIT');
        await delay(HELD_MS);
      }
    });
    await Promise.all([
      ...spent.map(overspend),
      ...ordered.map((user, i) => sendCalls(user, cluster.replicas[i])),
      ...limited.flatMap((user) => cluster.replicas.flatMap((replica) => Array.from({ length: CLIENTS }, () => spend(user, replica)))),
    ]);
    spending = false;
    await hold;
    await cluster.stopReplicas();

    for (const user of limited) if (admitted.get(user) !== QUOTA) broken.push(`I1 ${admitted.get(user)} were admitted of a quota of ${QUOTA}`);
    broken.push(...(await outOfOrder(cluster)), ...(await brokenInvariants(cluster, ['I6', 'I9'])), ...auditFindings(cluster));
    return {
      broken,
      story: `${ordered.length * CALLS} calls of ${ITEMS}, ${limited.length} users with ${QUOTA} from ${CLIENTS * 2} clients each, one of them held`,
    };
  } finally {
    await agent.close();
    await cluster.stop();
  }
}

/** Items of a call whose charge came before that of an item in front of them. */
async function outOfOrder(cluster) {
  const rows = await cluster.sql(`SELECT user_id, payload, used_at_charge FROM (
      SELECT *, lag(used_at_charge) OVER (PARTITION BY user_id, payload -> 'call' ORDER BY (payload ->> 'n')::integer) AS before FROM requests WHERE payload ? 'call') r
    WHERE used_at_charge <= before`);
  return rows.length === 0 ? [] : [`items of a call are not charged in order of arrival: ${rows.length} times, such as ${JSON.stringify(rows[0])}`];
}
