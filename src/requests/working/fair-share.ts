import { LRUCache } from 'lru-cache';

/** Leads of users in turns over those who were served least, as columns: a claim takes a thousand of them. */
export interface Leads {
  /** Places in the list of types, from 1. */
  types: number[];
  userIds: number[];
  leads: number[];
}

const LEADS_KEPT = 1_000;

/**
 * Whose turn it is among the users of a type: start-time fair queueing (Goyal, Vin, Cheng, 1996) with one unit for each
 * request. A user who floods gets ahead of the others by what was served, and waits as many turns; one who comes new, or
 * comes back, begins where the others are. Each replica keeps its own, so all of them together are fair as well.
 */
export class FairShare {
  private readonly types = new LRUCache<string, { clock: number; finish: Map<number, number> }>({ max: 1_000 });

  leads(types: readonly string[]): Leads {
    const columns: Leads = { types: [], userIds: [], leads: [] };
    for (const [i, type] of types.entries()) {
      const { clock, finish } = this.types.get(type) ?? { clock: 0, finish: new Map<number, number>() };
      for (const [userId, at] of finish) {
        if (at <= clock) continue;
        columns.types.push(i + 1);
        columns.userIds.push(userId);
        columns.leads.push(at - clock);
      }
    }
    return columns;
  }

  /** Counts a request that was handed out, in the order of handing out. */
  served(type: string, userId: number): void {
    const state = this.types.get(type) ?? { clock: 0, finish: new Map<number, number>() };
    this.types.set(type, state);
    const start = Math.max(state.clock, state.finish.get(userId) ?? 0);
    state.clock = start;
    state.finish.delete(userId);
    state.finish.set(userId, start + 1);
    if (state.finish.size > LEADS_KEPT) this.prune(state);
  }

  /** Who is not ahead need not be remembered, and beyond the bound who was served longest ago. */
  private prune({ clock, finish }: { clock: number; finish: Map<number, number> }): void {
    for (const [userId, at] of finish) if (at <= clock) finish.delete(userId);
    for (const userId of finish.keys()) {
      if (finish.size <= LEADS_KEPT / 2) return;
      finish.delete(userId);
    }
  }
}
