/** Reclaimed within this long of the lease's end. */
const RECLAIM_MS = 5_000;
/** One user's flood is not to be in the others' way: their median wait is at most this share of the flood's, even where there are too few workers. */
const FAIR_SHARE = 0.5;

const ms = (column) => `(extract(epoch FROM ${column}) * 1000)::float8 AS "${column.replace(/_(\w)/g, (_, c) => c.toUpperCase())}"`;

const REQUESTS = `SELECT id, user_id AS "userId", status, cost, refunded_units AS refunded, attempt, result, error ->> 'code' AS code, payload,
  ${['created_at', 'started_at', 'finished_at', 'deadline_at', 'cancel_requested_at'].map(ms).join(', ')} FROM requests`;
const ATTEMPTS = `SELECT request_id AS id, attempt, outcome, ${ms('started_at')}, ${ms('ended_at')} FROM request_attempts ORDER BY attempt`;
const REFUNDED = `SELECT u.id, u.api_quota_refunded_today AS counter, coalesce(sum(r.refunded_units), 0)::integer AS ledger
  FROM users u LEFT JOIN requests r ON r.user_id = u.id GROUP BY u.id HAVING u.api_quota_refunded_today <> coalesce(sum(r.refunded_units), 0)`;

/**
 * What the database holds against what submitters were answered and what workers wrote down, call by call.
 * @returns what does not agree, and what happened
 */
export async function brokenWork(cluster, { placed, calls, flooder, leaseMs }) {
  const found = new Map();
  const report = (what, shown) => found.set(what, [...(found.get(what) ?? []), shown]);
  const rows = await cluster.sql(REQUESTS);
  const attempts = await cluster.sql(ATTEMPTS);
  const refunds = await cluster.sql(REFUNDED);
  const earlier = groupBy(attempts);
  const spoken = groupBy(calls);
  const works = rows.map((row) => new Work(row, earlier.get(row.id) ?? [], spoken.get(row.id) ?? [], leaseMs));
  const known = new Map(works.map((work) => [work.row.id, work]));

  for (const row of refunds) report('what was refunded is not what the ledger states', row);
  const orders = new Set(placed.map(({ id }) => id));
  for (const { row } of works) if (!orders.has(row.id)) report('a request was made that nobody was answered for', row.id);
  for (const { id, cost, cancel } of placed) {
    const work = known.get(id);
    if (work === undefined || work.row.cost !== cost) report('an acknowledged request is lost or another', id);
    else if (cancel && isFinal(cancel.state) && cancel.state !== work.row.status) report('a final state was left', { id, cancel, now: work.row.status });
  }
  for (const work of works) for (const what of work.wrongs()) report(what, work.shown());

  const reclaims = works.flatMap((work) => work.reclaims());
  const slow = reclaims.filter((one) => one.waitedMs > RECLAIM_MS && wasPassedOver(one, works));
  for (const one of slow) report('a lost request was not reclaimed within 5 s of its lease', one);
  const late = calls.filter(({ answered, status }) => (answered === 'complete' || answered === 'fail') && status === 409).length;
  const waits = (of) => works.filter(({ row }) => of === (row.userId === flooder.id)).flatMap((work) => work.waitMs ?? []);
  const [flood, others] = [median(waits(true)), median(waits(false))];
  if (others > flood * FAIR_SHARE) report('a flood was in the way of the others (median waits in ms)', { flood, others });

  const broken = [...found].map(([what, shown]) => `${what}: ${shown.length} times, such as ${JSON.stringify(shown.slice(0, 2)).slice(0, 700)}`);
  const statuses = [...groupBy(rows, ({ status }) => status)].map(([status, { length }]) => `${length} ${status}`);
  const slowest = Math.max(0, ...reclaims.map(({ waitedMs }) => waitedMs));
  return {
    broken,
    late,
    reclaimed: reclaims.length,
    story: `${statuses.join(', ')}; ${reclaims.length} attempts lost, the slowest reclaimed after ${seconds(slowest)}; ${late} late outcomes refused; median waits: flood ${seconds(flood)}, others ${seconds(others)}`,
  };
}

/** One request: its row, its attempts before the last, and the outcomes of its workers. */
class Work {
  constructor(row, earlier, calls, leaseMs) {
    this.row = row;
    this.earlier = earlier;
    this.calls = calls;
    this.leaseMs = leaseMs;
    this.taken = calls.filter(({ answered, status }) => (answered === 'complete' || answered === 'fail') && status === 200);
  }

  sent(act, attempt, by) {
    return this.calls.some((call) => call.sent === act && call.attempt === attempt && (by === undefined || call.by === by));
  }

  /** When it was begun for the first time; null when it never was. */
  get begunAt() {
    const { row, earlier } = this;
    return earlier[0]?.startedAt ?? (row.attempt > 0 ? row.startedAt : null);
  }

  get waitMs() {
    return this.begunAt === null ? undefined : this.begunAt - this.row.createdAt;
  }

  *wrongs() {
    const { row, earlier, taken } = this;
    if (!isFinal(row.status)) yield 'a request has no final state';
    const last = taken.filter(({ state }) => isFinal(state));
    if (last.length > 1) yield 'two outcomes that end a request were acknowledged';
    for (const { state, attempt } of last)
      if (state !== row.status || attempt !== row.attempt) yield 'the outcome that was acknowledged is not the one that stands';
    if (row.status === 'succeeded' && (row.result?.attempt !== row.attempt || !this.sent('complete', row.attempt, row.result.by)))
      yield 'a result is not of the attempt that holds the request';
    if (row.status === 'failed' && row.code !== 'attempts-exhausted' && !this.sent('fail', row.attempt)) yield 'a request failed without a report';
    if (row.status === 'expired' && !(row.deadlineAt <= row.finishedAt)) yield 'a request expired before its deadline';
    if (earlier.some(({ attempt }, i) => attempt !== i + 1) || ![row.attempt, row.attempt - 1].includes(earlier.length)) yield 'an attempt is missing';
    for (const { attempt, outcome } of earlier) {
      const answered = taken.filter((call) => call.attempt === attempt);
      if (outcome === 'lost' && answered.length > 0) yield 'an outcome of a lost attempt was acknowledged';
      if (outcome === 'returned' && !this.sent('fail', attempt)) yield 'an attempt was given back without a report';
    }
    if (taken.some(({ state, attempt }) => state === 'pending' && earlier[attempt - 1]?.outcome !== 'returned'))
      yield 'an acknowledged failure is not recorded';
    if (row.refunded !== this.refundDue()) yield `${row.status} and not refunded what is due`;
  }

  /** By the policy that is shipped; a worker that is asked to stop settles nothing. */
  refundDue() {
    const { row } = this;
    if (row.status === 'expired' && row.attempt > 0) return 0;
    return row.status === 'succeeded' ? row.cost - (row.payload.units ?? row.cost) : row.cost;
  }

  /** How long after the lease's end each lost attempt was noticed. */
  reclaims() {
    const { row, earlier } = this;
    const lost = earlier.filter(({ outcome }) => outcome === 'lost');
    const isOver = earlier.length < row.attempt && !this.taken.some(({ attempt }) => attempt === row.attempt);
    const byClock = isOver && (row.code === 'attempts-exhausted' || (row.status === 'canceled' && !this.sent('fail', row.attempt)));
    if (byClock) lost.push({ attempt: row.attempt, startedAt: row.startedAt, endedAt: row.finishedAt });
    return lost.map(({ attempt, startedAt, endedAt }) => ({ row, attempt, endedAt, waitedMs: endedAt - this.leaseEnd(attempt, startedAt) }));
  }

  /** By the last heartbeat that may have been received. */
  leaseEnd(attempt, startedAt) {
    const beats = this.calls.filter((call) => call.attempt === attempt && (call.sent === 'heartbeat' || call.leaseEnd));
    const ends = beats.map(({ at, leaseEnd }) => (leaseEnd ? Date.parse(leaseEnd) : at + this.leaseMs));
    return Math.max(startedAt + this.leaseMs, ...ends);
  }

  shown() {
    const { row, earlier, taken } = this;
    return { ...row, earlier: earlier.map(({ outcome }) => outcome), taken };
  }
}

/** Workers with nothing to do, or who began a younger request of the same user, could have had it. Else it waited for its user's turn. */
function wasPassedOver({ row, endedAt, waitedMs }, works) {
  const dueAt = endedAt - waitedMs + RECLAIM_MS;
  const isWaitingAt = (at) => works.some(({ row: other, begunAt }) => other.createdAt <= at && (begunAt ?? other.finishedAt) > at);
  for (let at = endedAt - waitedMs; at < endedAt; at += 250) if (!isWaitingAt(at)) return true;
  const isYounger = ({ row: other }) => other.userId === row.userId && other.createdAt > row.createdAt;
  return works.some((work) => isYounger(work) && work.begunAt > dueAt && work.begunAt < endedAt);
}

function isFinal(status) {
  return ['succeeded', 'failed', 'canceled', 'expired'].includes(status);
}

/**
 * @param {any[]} items
 * @param {(item: any) => string} of
 * @returns {Map<string, any[]>}
 */
function groupBy(items, of = ({ id }) => id) {
  const groups = new Map();
  for (const item of items) {
    const own = groups.get(of(item));
    if (own) own.push(item);
    else groups.set(of(item), [item]);
  }
  return groups;
}

function median(numbers) {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
}

const seconds = (milliseconds) => `${(milliseconds / 1_000).toFixed(1)} s`;
