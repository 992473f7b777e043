/** States looked at before a history is given up as undecided. */
const BUDGET = 100_000;

/** What an operation does to the units in use, by what was answered; null when the answer cannot have been given then. */
const STEP = {
  charge: ({ units, used }, now, quota) => (now + units <= quota && (used ?? now + units) === now + units ? now + units : null),
  refund: ({ units }, now) => (units <= now ? now - units : null),
  refusal: ({ units, used }, now, quota) => (now + units > quota && (used ?? now) === now ? now : null),
  read: ({ used }, now) => (used === now ? now : null),
};

/** @typedef {{ kind: 'charge' | 'refund' | 'refusal' | 'read', units: number, used: number | null, start: number, end: number }} Operation */

/**
 * Whether a history of one counter with a bound is linearizable: each operation can be given an instant between its start
 * and its end (`start`, `end`, by one clock) such that, one after another, each would have been answered as it was. The search is
 * that of J. M. Wing and C. Gong, "Testing and Verifying Concurrent Objects" (Journal of Parallel and Distributed Computing 17, 1993):
 * it takes any operation that nothing left over ended before, and goes back when it is stuck. Sets of operations that led
 * nowhere are remembered, after G. Lowe, "Testing for linearizability" (Concurrency and Computation 29, 2017): all of their
 * orders lead to the same count. Whoever only looks is taken as soon as the count is right, which never is a mistake.
 * @param {Operation[]} history
 * `used` is the count after it by its answer; null where there was none
 * @returns {{ verdict: 'yes' | 'no' | 'undecided', stuck?: object }} with the operations that no order leads on from
 */
export function linearize(history, quota, budget = BUDGET) {
  const operations = history.toSorted((a, b) => a.start - b.start);
  const marks = operations.map(() => Math.floor(Math.random() * 2 ** 52));
  const isDone = new Uint8Array(operations.length);
  const tried = new Set();
  const trail = [];
  let [now, first, mark] = [0, 0, 0];
  let stuck = { depth: -1 };

  /** Those that may come next, the best last: one that shows the count it led to, and then one that ended early. */
  const candidates = () => {
    while (isDone[first]) first++;
    const open = [];
    for (let i = first, earliest = Infinity; i < operations.length && operations[i].start <= earliest; i++) {
      if (isDone[i]) continue;
      open.push(i);
      earliest = Math.min(earliest, operations[i].end);
    }
    const able = open.filter((i) => STEP[operations[i].kind](operations[i], now, quota) !== null);
    const look = able.find((i) => operations[i].kind === 'refusal' || operations[i].kind === 'read');
    if (able.length === 0 && trail.length > stuck.depth) stuck = { depth: trail.length, now, quota, open: open.slice(0, 6).map((i) => operations[i]) };
    const counts = (i) => Number(operations[i].used !== null);
    return look === undefined ? able.sort((a, b) => counts(a) - counts(b) || operations[b].end - operations[a].end) : [look];
  };

  for (let options = candidates(); trail.length < operations.length;) {
    const next = options.pop();
    if (next !== undefined) {
      trail.push({ next, now, mark, options });
      isDone[next] = 1;
      now = STEP[operations[next].kind](operations[next], now, quota);
      mark = xor(mark, marks[next]);
      if (tried.size > budget) return { verdict: 'undecided' };
      options = tried.has(mark) ? [] : candidates();
      tried.add(mark);
    } else {
      const back = trail.pop();
      if (back === undefined) return { verdict: 'no', stuck };
      isDone[back.next] = 0;
      first = Math.min(first, back.next);
      ({ now, mark, options } = back);
    }
  }
  return { verdict: 'yes' };
}

/** Of numbers beyond 32 bits. */
function xor(a, b) {
  const HALF = 2 ** 26;
  return (Math.floor(a / HALF) ^ Math.floor(b / HALF)) * HALF + ((a % HALF) ^ (b % HALF));
}
