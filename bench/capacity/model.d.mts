import { type TierCosts } from './costs.mjs';

export interface Cores {
  service: number;
  coordinator: number;
  worker: number;
}
export const USAGE: number;
export const CORE_MONTH: number;
export function coresFor(rate: number, batch: number, costs: TierCosts): Cores;
export function monthly(cores: Cores): number;
export function coordinatorLimit(count: number, batch: number): number;
