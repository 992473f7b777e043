export interface StageCost {
  batch: number;
  item: number;
}
export interface TierCosts {
  coordinator: StageCost;
  worker: StageCost;
}
export const COSTS: { service: { item: number }; plain: TierCosts; cluster: TierCosts };
export const WAIT_US: number;
export const BATCH: number;
