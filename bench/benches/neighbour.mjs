import { beside, calm } from '../../test/hostile/beside.mjs';
import { Stage } from '../../test/hostile/stage.mjs';
import { ms, row } from '../support/report.mjs';
import { SECONDS, SCALE } from '../support/rounds.mjs';

const BESIDE = {
  flood: 'a hundred batches of a user with nothing left',
  'a locked row': 'a row that another program holds locked',
  'the edit of a plan': 'edits of a plan that a crowd is on',
  'a large deletion': 'deletions of users with many requests',
};

/** A well-behaved neighbour's p99 beside what used to hold it up, against calm just before. Calls that were refused fail the bench. */
export async function neighbour() {
  const stage = await Stage.set({ crowd: Math.round(300_000 * SCALE) });
  try {
    await calm(stage, 2);
    const rows = [];
    for (const [name, caller] of Object.entries(BESIDE)) {
      const quiet = await calm(stage, SECONDS);
      const { found } = await beside(stage, { name: caller, seed: 1 }, SECONDS);
      const refused = Object.entries(found.refusals);
      if (refused.length > 0) throw new Error(`beside ${name}: ${JSON.stringify(found.refusals)}`);
      rows.push(
        row({
          bench: `neighbour beside ${name}`,
          figure: `p99 ${ms(found.p99)}`,
          baseline: `calm p99 ${ms(quiet.p99)}`,
          ratio: found.p99 / quiet.p99,
          atMost: 1.5,
        }),
      );
    }
    return rows;
  } finally {
    await stage.strike();
  }
}
