import { type TierCosts } from './costs.mjs';

export interface Given {
  seed: number;
  seconds: number;
  rate: number;
  workers: number;
  lanes: number;
  coordinatorCores: number;
  workerCores: number;
  costs: TierCosts;
  waitUs?: number;
}
export interface Seen {
  p50: number;
  p99: number;
  batch: number;
  coordinator: number;
  worker: number;
  done: number;
}
export function seeded(seed: number): () => number;
export function simulate(given: Given): Seen;
