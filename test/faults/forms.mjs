import { makeAccounts, SERVICE_SCOPES } from '../../bench/support/accounts.mjs';
import { auditFindings, brokenInvariants } from './books.mjs';
import { Cluster } from './cluster.mjs';
import { Faults } from './exactness.mjs';
import { Random } from './random.mjs';
import { Offer, Workload, zoneAtNoon } from './workload.mjs';

const TYPES = ['report', 'search'];
const USERS = 24;
/** No run comes near it: what is charged to it must add up all the same. */
const AN_HOUR = { name: 'an-hour', period: 'hour', units: 1_000_000 };

/** Rules of the books that forms do not change; the others have their counterpart in `FORMS`. */
const CHANGED_BY_FORMS = ['I2', 'I3', 'I5', 'an event is missing'];

/** What each user's rows hold, by where it was drawn from. */
const FORMS = `SELECT u.id, u.api_quota_used_today AS own, CASE WHEN u.quota_overage_date = u.quota_reset_date THEN u.quota_overage_today ELSE 0 END AS overage,
    u.next_subscription_tier AS next, u.subscription_tier AS tier,
    coalesce((SELECT json_agg(json_build_object('units', g.units, 'used', g.used, 'rolled', g.rolled_from IS NOT NULL) ORDER BY g.priority, g.expires_at NULLS LAST, g.id) FROM quota_grants g WHERE g.user_id = u.id), '[]') AS grants,
    coalesce((SELECT json_object_agg(r.type, r.units) FROM (SELECT type, sum(cost)::integer AS units FROM requests WHERE user_id = u.id GROUP BY type) r), '{}') AS ledger,
    coalesce((SELECT json_object_agg(d.source, d.units) FROM (SELECT d.source, sum(d.units)::integer AS units FROM request_draws d JOIN requests r ON r.id = d.request_id WHERE r.user_id = u.id GROUP BY 1) d), '{}') AS draws,
    coalesce((SELECT json_object_agg(l.name, l.units) FROM (SELECT name, sum(used)::integer AS units FROM quota_limit_usage WHERE user_id = u.id GROUP BY 1) l), '{}') AS limits
  FROM users u WHERE u.id = ANY ($1)`;

/** A plan of any forms, and what one of its users may be admitted. */
function drawPlan(random, number) {
  const few = () => random.integer(5, 40);
  const types = () => (random.chance(0.5) ? [random.pick(TYPES)] : undefined);
  const limits = [
    ...(random.chance(0.4) ? [{ name: 'a-day', period: 'day', units: few() + 20, types: types() }] : []),
    ...(random.chance(0.4) ? [{ name: 'a-week', period: 'week', units: few() + 20, types: types() }] : []),
    ...(random.chance(0.4) ? [{ name: 'a-month', period: 'month', units: few() + 20, types: types() }] : []),
    ...(random.chance(0.5) ? [AN_HOUR] : []),
  ];
  return {
    name: `forms-${number}`,
    overage: random.chance(0.4) ? { max: random.integer(0, 15) } : null,
    rollover: random.chance(0.5) ? { days: random.integer(1, 3), max: random.integer(1, 20), share: random.pick([0.25, 0.5, 1]) } : null,
    shadow: random.chance(0.15),
    dayStartsAt: random.chance(0.3) ? random.pick(['00:30', '06:00', '09:15']) : null,
    maxInFlight: random.chance(0.3) ? few() + 20 : null,
    maxInFlightByType: random.chance(0.3) ? { [random.pick(TYPES)]: few() } : null,
    limits: limits.length === 0 ? null : limits,
  };
}

async function makeUsers(cluster, random) {
  const timeZone = zoneAtNoon();
  const sql = (text, values) => cluster.sql(text, values);
  const users = [];
  for (let i = 0; i < USERS; i++) {
    const plan = drawPlan(random, i);
    const { name, overage, rollover, shadow, dayStartsAt, maxInFlight, maxInFlightByType, limits } = plan;
    const json = (value) => (value === null ? null : JSON.stringify(value));
    await sql(
      `INSERT INTO subscription_tiers (name, daily_quota, overage, rollover, shadow, day_starts_at, max_in_flight, max_in_flight_by_type, limits) VALUES ($1, 10, $2, $3, $4, $5, $6, $7, $8)`,
      [name, json(overage), json(rollover), shadow, dayStartsAt, maxInFlight, json(maxInFlightByType), json(limits)],
    );
    const quota = random.integer(1, 30);
    const [account] = await makeAccounts(sql, 1, { dailyQuota: quota, timeZone, scopes: SERVICE_SCOPES });
    // Nothing was used yesterday, and nobody has closed that day: whoever charges first today does, on whichever replica.
    await sql(
      `UPDATE users SET subscription_tier = $2, created_at = now() - interval '3 days', quota_reset_date = (now() AT TIME ZONE time_zone)::date - 1,
         quota_reset_zone = time_zone || coalesce('@' || $3, '') WHERE id = $1`,
      [account.id, name, dayStartsAt],
    );
    const grants = Array.from({ length: random.integer(0, 3) }, () => ({ units: random.integer(1, 15), priority: random.integer(0, 200) }));
    for (const { units, priority } of grants)
      await sql(
        `INSERT INTO quota_grants (user_id, units, priority, reason, expires_at) VALUES ($1, $2, $3::integer, 'run', CASE WHEN $3::integer % 2 = 0 THEN now() + interval '30 days' END)`,
        [account.id, units, priority],
      );
    // A change of plan that waits for tomorrow is nothing today.
    if (random.chance(0.3))
      await sql(
        `UPDATE users SET next_subscription_tier = 'free', next_tier_from = (now() AT TIME ZONE time_zone)::date + 1, next_quota_daily = 0 WHERE id = $1`,
        [account.id],
      );
    users.push({ ...account, quota, plan, grants, offered: Object.fromEntries(TYPES.map((type) => [type, 0])) });
  }
  // As any other program that writes forms by SQL does.
  await sql(`UPDATE users SET quota_forms = true WHERE id = ANY ($1)`, [users.map(({ id }) => id)]);
  return users;
}

const sum = (numbers) => numbers.reduce((all, number) => all + number, 0);

/** Units of each source: what no order of charges of one unit changes, since nothing comes back. */
function expected({ quota, plan, grants, offered }) {
  const { overage, rollover, shadow, maxInFlight, maxInFlightByType, limits } = plan;
  const all = sum(Object.values(offered));
  const rolled = rollover === null ? 0 : Math.min(rollover.max, Math.floor(rollover.share * quota));
  const granted = rolled + sum(grants.map(({ units }) => units));
  const purse = quota + granted + (overage?.max ?? 0);
  const holds = (limit, type) => limit.types === undefined || limit.types.includes(type);
  const ofType = (type) =>
    Math.min(offered[type], maxInFlightByType?.[type] ?? Infinity, ...(limits ?? []).filter((limit) => limit.types?.includes(type)).map(({ units }) => units));
  const ofAll = Math.min(purse, maxInFlight ?? Infinity, ...(limits ?? []).filter(({ types }) => types === undefined).map(({ units }) => units));
  const admitted = shadow ? all : Math.min(ofAll, sum(TYPES.map(ofType)));
  const own = Math.min(quota, admitted);
  const ofGrants = Math.min(granted, admitted - own);
  return { admitted, own, granted, rolled, ofGrants, overage: admitted - own - ofGrants, all, holds };
}

/** What the database holds of each user, against the model: to the unit. */
async function brokenForms(cluster, users) {
  const broken = [];
  const rows = new Map((await cluster.sql(FORMS, [users.map(({ id }) => id)])).map((row) => [row.id, row]));
  for (const user of users) {
    const row = rows.get(user.id);
    const model = expected(user);
    const ledger = sum(Object.values(row.ledger));
    const differ = (what, is, should) =>
      is !== should && broken.push(`forms: ${what} of user ${user.id}: ${is}, and not ${should}; ${JSON.stringify({ ...user, key: undefined, row })}`);
    differ('units admitted', ledger, model.admitted);
    differ('a change of plan that waits', row.tier, user.plan.name);
    if (model.all > 0) differ('units rolled over', sum(row.grants.filter(({ rolled }) => rolled).map(({ units }) => units)), model.rolled);
    // What is tried out leaves the purse alone, so its sources depend on which charges would have been refused.
    differ('units by source', row.own + sum(Object.values(row.draws)), ledger);
    differ('units drawn from grants', row.draws.grant ?? 0, sum(row.grants.map(({ used }) => used)));
    differ('units beyond the quota', row.draws.overage ?? 0, row.overage);
    for (const limit of user.plan.limits ?? []) {
      const counted = sum(TYPES.filter((type) => model.holds(limit, type)).map((type) => row.ledger[type] ?? 0));
      if (!user.plan.shadow) differ(`units counted by ${limit.name}`, row.limits[limit.name] ?? 0, counted);
    }
    if (user.plan.shadow) continue;
    differ("the day's own units", row.own, model.own);
    differ('units of grants', row.draws.grant ?? 0, model.ofGrants);
    differ('overage', row.overage, model.overage);
    let left = model.ofGrants;
    for (const { units, used } of row.grants) {
      differ('a grant in its order', used, Math.min(units, left));
      left -= Math.min(units, left);
    }
  }
  return broken;
}

/**
 * Users of all forms mixed, on one to five replicas that are killed: admitted is what the model admits, and the books agree.
 * @param {{ seed: number, replicas: number, clients: number, factor: number }} plan
 * @param {{ root?: string, prepare?: string, faults?: number }} [options]
 */
export async function runForms({ seed, replicas, clients, factor }, { faults, ...options } = {}) {
  const random = new Random(seed);
  const cluster = await Cluster.start({ replicas, ...options });
  try {
    const users = await makeUsers(cluster, random);
    const offers = [];
    for (const user of users) {
      const wanted = Math.round(factor * (user.quota + sum(user.grants.map(({ units }) => units)) + 10));
      for (let i = 0; i < wanted; i++) {
        const type = random.pick(TYPES);
        user.offered[type]++;
        const offer = new Offer(`${offers.length}-forms`, user, 1, user.key, false, { twice: random.chance(0.2), later: random.chance(0.5) });
        offer.body = JSON.stringify({ type, payload: { number: offers.length } });
        offers.push(offer);
      }
    }
    for (let i = offers.length - 1; i > 0; i--) {
      const j = random.integer(0, i);
      [offers[i], offers[j]] = [offers[j], offers[i]];
    }
    const workload = new Workload(cluster.replicas, random, offers);
    const hurt = new Faults(cluster, new Random(seed + 1), ['kill', 'crash', 'terminate'], faults);
    await workload.run(clients, (burst, bursts) => hurt.before(burst, bursts));
    await hurt.mending;
    await cluster.stopReplicas();
    const acknowledged = offers.filter(({ id }) => id !== null).length;
    const [{ stored }] = await cluster.sql('SELECT count(*)::integer AS stored FROM requests');
    const broken = [
      ...workload.violations.slice(0, 5),
      ...(acknowledged === stored ? [] : [`forms: ${acknowledged} requests were acknowledged, and ${stored} are stored`]),
      ...(await brokenForms(cluster, users)).slice(0, 5),
      ...(await brokenInvariants(cluster, CHANGED_BY_FORMS)),
      ...auditFindings(cluster),
    ];
    const story = `${offers.length} offers by ${users.length} users, ${acknowledged} admitted, ${workload.lost} answers lost, ${workload.unavailable} × 503, ${workload.replays} replays; ${hurt.happened.join(', ') || 'no faults'}`;
    return { broken, story };
  } finally {
    await cluster.stop();
  }
}

/** One to five replicas, each with forms of its own. @param {number} seed */
export async function* proveForms(seed) {
  for (const [i, [replicas, clients, factor]] of [
    [1, 8, 1.5],
    [2, 64, 2],
    [3, 24, 0.8],
    [5, 100, 2],
  ].entries()) {
    const plan = { seed: seed + i * 10, replicas, clients, factor };
    const result = await runForms(plan);
    yield { name: `seed ${plan.seed}: ${replicas} replica(s), ${clients} client(s), all forms mixed, ${factor} × what fits`, ...result };
  }
}
