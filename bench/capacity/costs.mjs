/**
 * Processor time in µs, measured on one machine with two cores (docs/scale.md has when and how): of the service for a submit, and of the database for a
 * batch and for each charge in it. `cluster` is of the shape of a charge (an update and an insert in one shard), not of the charge itself.
 */
export const COSTS = {
  service: { item: 72 },
  plain: { coordinator: { batch: 0, item: 0 }, worker: { batch: 342, item: 32 } },
  cluster: { coordinator: { batch: 213, item: 0.9 }, worker: { batch: 1_419, item: 22.8 } },
};
/** Of a batch, beside its processor time: the disk's flush and the network, in µs. */
export const WAIT_US = 1_500;
export const BATCH = 128;
