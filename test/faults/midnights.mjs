import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { makeAccounts, SERVICE_SCOPES } from '../../bench/support/accounts.mjs';
import { auditFindings, brokenInvariants } from './books.mjs';
import { Clock, NO_CLOCK } from './clock.mjs';
import { Cluster } from './cluster.mjs';
import { Random } from './random.mjs';
import { Offer, Workload } from './workload.mjs';

const QUOTA = 7;
const USERS_IN_ZONE = 3;
/** Few, because under libfaketime a busy server has been seen to crash. */
const CLIENTS = 6;
const SIDE_MS = 1_600;

/**
 * Midnights to cross, in the order of the calendar: days of 23 and 25 hours, midnights that are skipped or happen twice, odd offsets.
 * @type {[string, string, string[]][]}
 */
const CROSSINGS = [
  ['into a day of 23 hours, and a midnight that is skipped', '2026-03-08T05:00:00Z', ['America/New_York', 'America/Havana', 'Etc/UTC']],
  ['out of a day of 23 hours', '2026-03-09T04:00:00Z', ['America/New_York', 'America/Havana', 'Asia/Tokyo']],
  ['into a day of 25 hours, and a midnight that comes twice', '2026-11-01T04:00:00Z', ['America/New_York', 'America/Havana', 'Etc/UTC']],
  ['the second coming of that midnight', '2026-11-01T05:00:00Z', ['America/Havana', 'America/New_York']],
  ['out of a day of 25 hours', '2026-11-02T05:00:00Z', ['America/New_York', 'America/Havana']],
  ['at an offset of thirteen hours', '2026-12-31T11:00:00Z', ['Pacific/Auckland', 'Etc/UTC']],
  ['at an offset of five hours and three quarters', '2026-12-31T18:15:00Z', ['Asia/Kathmandu', 'Etc/UTC']],
  ['into the year, in UTC', '2027-01-01T00:00:00Z', ['Etc/UTC', 'Asia/Kathmandu', 'America/New_York']],
];

/**
 * Midnights by a clock that is really there, on two replicas.
 * @param {number} seed
 * @param {{ root?: string, only?: RegExp }} [options] another build than ours; the scenes to play
 * @returns one result for each
 */
export async function* crossMidnights(seed, { root, only = /./ } = {}) {
  if (NO_CLOCK) return yield { name: 'midnights by a real clock', skipped: NO_CLOCK };
  const clock = new Clock();
  clock.set('2026-03-01T12:00:00Z');
  const cluster = await Cluster.start({ replicas: 2, root, environment: clock.environment, binDir: clock.binDir });
  const scene = new Scene(cluster, clock, new Random(seed));
  try {
    /** @type {(readonly [string, () => Promise<{ broken: string[], story: string }>])[]} */
    const scenes = [
      ...CROSSINGS.map(([name, instant, zones]) => /** @type {const} */ ([`forwards ${name}`, () => scene.cross(instant, zones)])),
      ['backwards over three midnights, and forwards again', () => scene.stepBack()],
      ['three days without the job', () => scene.missTheJob()],
      ['eight midnights in a row', () => scene.crossInARow(8)],
    ];
    for (const [name, play] of scenes) if (only.test(name)) yield scene.judge(name, play);
    await cluster.stopReplicas();
    yield {
      name: 'the books after all of it',
      broken: [...(await brokenInvariants(cluster)), ...auditFindings(cluster)],
    };
  } finally {
    await cluster.stop();
  }
}

export class Scene {
  made = 0;

  constructor(cluster, clock, random) {
    this.cluster = cluster;
    this.clock = clock;
    this.random = random;
  }

  async judge(name, scene) {
    const { broken, story } = await scene();
    return { name, story, broken: [...broken, ...(await brokenInvariants(this.cluster))] };
  }

  async users(zones) {
    const groups = zones.map(async (timeZone) => {
      const accounts = await makeAccounts((text, values) => this.cluster.sql(text, values), USERS_IN_ZONE, {
        dailyQuota: QUOTA,
        timeZone,
        scopes: SERVICE_SCOPES,
      });
      return accounts.map((account) => ({ ...account, zone: timeZone }));
    });
    return (await Promise.all(groups)).flat();
  }

  /** Offers of one unit by random users, one after another in each client, for so long. */
  async offer(users, durationMs) {
    const workload = new Workload(this.cluster.replicas, this.random, []);
    const offers = [];
    const until = performance.now() + durationMs;
    const client = async () => {
      while (performance.now() < until) {
        const user = this.random.pick(users);
        const offer = new Offer(`${++this.made}-midnight`, user, 1, user.key, false, {});
        offers.push(offer);
        await workload.settle(offer);
        await delay(8);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    await workload.agent.close();
    return { offers, broken: workload.violations.slice(0, 5) };
  }

  /** More than the quota is offered on both sides: each day of each user must hold the quota, to the unit. */
  async cross(instant, zones) {
    const [before, after] = [-10_000, 10_000].map((ms) => new Date(Date.parse(instant) + ms));
    this.clock.set(new Date(before.getTime() - 3_600_000).toISOString());
    const users = await this.users(zones);
    this.clock.set(new Date(Date.parse(instant) - SIDE_MS).toISOString());
    const { offers, broken } = await this.offer(users, 2 * SIDE_MS);
    const expected = users.flatMap(({ id, zone }) => [...new Set([before, after].map((at) => localDay(at, zone)))].map((day) => [id, day]));
    broken.push(
      ...(await this.compare(
        users,
        expected.map(([user, day]) => [user, day, QUOTA]),
      )),
      ...(await this.misdated(users)),
    );
    return { broken, story: `${offers.length} offers, ${expected.length} days of ${users.length} users` };
  }

  async crossInARow(nights) {
    const broken = [];
    for (let night = 0; night < nights; night++) {
      broken.push(...(await this.cross(new Date(Date.UTC(2027, 1, 1 + night)).toISOString(), ['Etc/UTC', 'Asia/Tokyo'])).broken);
    }
    return { broken, story: `${nights} nights` };
  }

  /** What is left of the period stays usable, nothing is won, and an operator is reported. */
  async stepBack() {
    this.clock.set('2027-01-05T10:00:00Z');
    const users = await this.users(['Etc/UTC', 'Asia/Kathmandu']);
    for (const user of users) await this.spend(user, 3);
    this.clock.set('2027-01-02T23:59:58Z');
    const { broken } = await this.offer(users, 2 * SIDE_MS);
    broken.push(
      ...(await this.compare(
        users,
        users.map(({ id }) => [id, '2027-01-05', QUOTA]),
      )),
    );
    const readiness = /** @type {any} */ (await (await request(`${this.cluster.replicas[0].url}/health/ready`)).body.json());
    if (readiness.checks?.clock?.status !== 'degraded') broken.push(`readiness does not report of the clock: ${JSON.stringify(readiness.checks)}`);
    this.clock.set('2027-01-05T10:01:00Z');
    broken.push(...(await this.offer(users, 400)).broken);
    this.clock.set('2027-01-06T12:00:00Z');
    broken.push(...(await this.offer(users, 1_500)).broken);
    const days = ['2027-01-05', '2027-01-06'];
    broken.push(
      ...(await this.compare(
        users,
        users.flatMap(({ id }) => days.map((day) => [id, day, QUOTA])),
      )),
    );
    return { broken, story: `${users.length} users` };
  }

  /** The first charge is right without the job, history too; then two replicas run it at once, and once more. */
  async missTheJob() {
    this.clock.set('2027-01-10T12:00:00Z');
    const [admin] = await makeAccounts((text, values) => this.cluster.sql(text, values), 1, {
      role: 'admin',
      scopes: ['admin'],
    });
    const users = await this.users(['Etc/UTC', 'Asia/Kathmandu', 'America/New_York']);
    for (const user of users) await this.spend(user, QUOTA);
    this.clock.set('2027-01-13T12:00:00Z');
    const [comes, ...others] = users;
    const { broken } = await this.offer([comes], 1_000);
    const stale = Number((await this.cluster.sql(`SELECT count(*) FROM quota_now WHERE closed`))[0].count);
    const run = async (replica) => {
      const headers = { authorization: `Bearer ${admin.key}` };
      const { statusCode, body } = await request(`${replica.url}/v1/jobs/quota-reset/run`, { method: 'POST', headers });
      const answer = /** @type {{ closedOut?: number }} */ (await body.json());
      if (statusCode !== 200) broken.push(`the job answered ${statusCode} ${JSON.stringify(answer)}`);
      return answer.closedOut ?? 0;
    };
    const closed = await Promise.all(this.cluster.replicas.map(run));
    const again = await run(this.cluster.replicas[0]);
    if (closed[0] + closed[1] !== stale || again !== 0) broken.push(`${stale} days were over, two runs closed ${closed.join(' and ')}, a third ${again}`);
    broken.push(...(await this.compare(users, [...users.map(({ id }) => [id, '2027-01-10', QUOTA]), [comes.id, '2027-01-13', QUOTA]])));
    const archived = await this.cluster.sql(
      `SELECT user_id FROM quota_usage WHERE user_id = ANY ($1) AND date = '2027-01-10' AND used = $2 AND requests = $2 AND quota = $2`,
      [users.map(({ id }) => id), QUOTA],
    );
    if (archived.length !== users.length) broken.push(`${archived.length} of ${users.length} days were archived`);
    return {
      broken,
      story: `${stale} days closed by two runs at once, ${others.length} of them of users who did not come`,
    };
  }

  async spend(user, units) {
    const workload = new Workload(this.cluster.replicas, this.random, []);
    for (let i = 0; i < units; i++) await workload.settle(new Offer(`${++this.made}-spend`, user, 1, user.key, false, {}));
    await workload.agent.close();
  }

  /** The users' days by the ledger against what they must be: [user, day, units]. */
  async compare(users, expected) {
    const rows = await this.cluster.sql(`SELECT user_id, charged_on, sum(cost)::integer AS units FROM requests WHERE user_id = ANY ($1) GROUP BY 1, 2`, [
      users.map(({ id }) => id),
    ]);
    const [found, wanted] = [rows.map(({ user_id, charged_on, units }) => [user_id, charged_on, units]), expected].map((days) => days.map(String).sort());
    const differ = [
      ...found.filter((day) => !wanted.includes(day)).map((day) => `has ${day}`),
      ...wanted.filter((day) => !found.includes(day)).map((day) => `lacks ${day}`),
    ];
    return differ.length === 0 ? [] : [`days are not what they must be (user, day, units): ${differ.slice(0, 6).join('; ')}`];
  }

  /** A charge bears the local day of its statement; one that waited over midnight for the row, that of the row. */
  async misdated(users) {
    const rows = await this.cluster.sql(
      `SELECT r.id, r.created_at, r.charged_on, u.time_zone FROM requests r JOIN users u ON u.id = r.user_id WHERE u.id = ANY ($1)
         AND r.charged_on NOT BETWEEN (r.created_at AT TIME ZONE u.time_zone)::date AND ((r.created_at + interval '5 seconds') AT TIME ZONE u.time_zone)::date`,
      [users.map(({ id }) => id)],
    );
    return rows.length === 0 ? [] : [`${rows.length} charges bear a day that was not theirs, such as ${JSON.stringify(rows[0])}`];
  }
}

export function localDay(instant, timeZone) {
  return new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(instant);
}
