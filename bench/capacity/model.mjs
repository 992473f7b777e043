import { COSTS } from './costs.mjs';

/** Cores are planned to be busy so much: above it, waiting grows faster than load. */
export const USAGE = 0.6;
/** Of a core and its memory, in US$ a month: a round price for rented machines, to be replaced by one's own. */
export const CORE_MONTH = 30;

/** Cores that a rate takes, by what each batch and charge costs. @param batch charges in one batch */
export function coresFor(rate, batch, costs) {
  const of = ({ batch: fixed, item }) => (rate * (item + fixed / batch)) / 1e6 / USAGE;
  return { service: (rate * COSTS.service.item) / 1e6 / USAGE, coordinator: of(costs.coordinator), worker: of(costs.worker) };
}

export const monthly = ({ service, coordinator, worker }) => Math.ceil(service + coordinator + worker) * CORE_MONTH;

/** What one coordinator with so many cores passes on at most, in submits a second. */
export const coordinatorLimit = (count, batch) => (count * 1e6 * USAGE) / (COSTS.cluster.coordinator.item + COSTS.cluster.coordinator.batch / batch);
