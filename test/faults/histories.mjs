import { linearize } from './linearizable.mjs';

/** What each user saw, against a counter with a bound: at every instant it holds no more than the quota, and refuses only what does not fit. */
export function brokenHistories(users, offers, looks) {
  const histories = new Map(users.map((user) => [user.id, []]));
  const charges = offers.flatMap(({ charge }) => charge ?? []);
  for (const operation of [...charges, ...looks]) histories.get(operation.user.id).push(operation);
  const broken = [];
  const count = { yes: 0, no: 0, undecided: 0 };
  for (const { id, quota } of users) {
    const history = histories.get(id);
    const { verdict, stuck } = linearize(history, quota);
    count[verdict]++;
    const shown = JSON.stringify(stuck, (name, value) => (name === 'user' ? undefined : value));
    if (verdict === 'no') broken.push(`the history of user ${id} (${history.length} operations) is not linearizable: ${shown}`);
    if (verdict === 'undecided') broken.push(...certainlyBroken(history, quota).map((what) => `the history of user ${id}: ${what}`));
  }
  const refunds = looks.filter(({ kind }) => kind === 'refund');
  const units = refunds.reduce((sum, refund) => sum + refund.units, 0);
  const decided = `${count.yes + count.no} histories looked through${count.undecided > 0 ? `, ${count.undecided} too tangled and held to bounds only` : ''}`;
  return { broken, story: `; ${refunds.length} refunds of ${units} units, ${decided}` };
}

/** What no order can make good: more in use than the quota by what was certainly charged, a refusal of what certainly fits. */
function certainlyBroken(history, quota) {
  const sum = (kind, when) => history.reduce((total, one) => (one.kind === kind && when(one) ? total + one.units : total), 0);
  return history.flatMap(({ kind, units, start, end }) => {
    const min = sum('charge', (one) => one.end <= end) - sum('refund', (one) => one.start <= end);
    if (kind === 'charge' && min > quota) return [`${min} units were in use, of a quota of ${quota}`];
    const max = sum('charge', (one) => one.start <= end) - sum('refund', (one) => one.end <= start);
    return kind === 'refusal' && max + units <= quota ? [`${units} units were refused when at most ${max} of ${quota} were in use`] : [];
  });
}
