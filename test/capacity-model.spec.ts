import { COSTS } from '../bench/capacity/costs.mjs';
import { coresFor, USAGE } from '../bench/capacity/model.mjs';
import { simulate } from '../bench/capacity/simulate.mjs';

const cluster = { seed: 18, seconds: 0.3, rate: 100_000, workers: 1, lanes: 8, coordinatorCores: 1, workerCores: 16, costs: COSTS.cluster };

describe('the capacity model', () => {
  it('is the same for the same seed', () => {
    expect(simulate(cluster)).toEqual(simulate(cluster));
    expect(simulate({ ...cluster, seed: 19 })).not.toEqual(simulate(cluster));
  });

  it.each([
    ['a cluster', cluster],
    ['one server', { ...cluster, workerCores: 8, costs: COSTS.plain }],
  ])('of %s counts the cores that a simulation keeps busy', (_, given) => {
    const { batch, coordinator, worker, done } = simulate(given);
    const need = coresFor(done, batch, given.costs);
    // What is under way at the end was worked for, and is not counted as done.
    expect(coordinator / (need.coordinator * USAGE + 1e-9)).toBeLessThan(1.1);
    expect((worker * given.workerCores) / (need.worker * USAGE)).toBeGreaterThan(0.9);
    expect((worker * given.workerCores) / (need.worker * USAGE)).toBeLessThan(1.1);
  });

  it('shows lanes that are too few as what waits, though no core is busy', () => {
    const few = simulate({ ...cluster, rate: 1_000_000, workers: 5, lanes: 2 });
    expect(few.done).toBeLessThan(900_000);
    expect(few.worker).toBeLessThan(0.5);
  });
});
