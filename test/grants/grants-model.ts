/** A grant as the model has it. */
export interface ModelGrant {
  id: number;
  left: number;
  priority: number;
  /** Null: it does not expire. */
  expiresAt: number | null;
  ended: boolean;
}

export interface ModelDraw {
  source: 'grant' | 'overage';
  grantId: number | null;
  units: number;
}

/** What a request paid with, unit by unit, in the order in which it was drawn; null: the day's own. */
export interface ModelRequest {
  units: (ModelGrant | 'overage' | null)[];
  refunded: number;
}

/** One user's purse, unit by unit and one act at a time: what `docs/concepts.md` states of grants, and no statement's cleverness. */
export class PurseModel {
  used = 0;
  overage = { used: 0, max: 0 };
  readonly grants: ModelGrant[] = [];
  private readonly requests = new Map<string, ModelRequest>();

  constructor(public quota: number) {}

  get granted(): number {
    return this.live().reduce((sum, { left }) => sum + left, 0);
  }

  get remaining(): number {
    return Math.max(0, this.quota - this.used) + this.granted;
  }

  private get beyond(): number {
    return Math.max(0, this.overage.max - this.overage.used);
  }

  /** The grants that can be drawn on, in their order. */
  live(): ModelGrant[] {
    return this.grants
      .filter(({ ended, left }) => !ended && left > 0)
      .sort((a, b) => a.priority - b.priority || (a.expiresAt ?? Infinity) - (b.expiresAt ?? Infinity) || a.id - b.id);
  }

  /** Null: refused. */
  charge(cost: number): ModelRequest | null {
    if (cost > this.remaining + this.beyond) return null;
    const units: ModelRequest['units'] = [];
    while (units.length < cost) {
      const source: ModelGrant | 'overage' | null = this.used < this.quota ? null : (this.live().at(0) ?? 'overage');
      if (source === null) this.used++;
      else if (source === 'overage') this.overage.used++;
      else source.left--;
      units.push(source);
    }
    return { units, refunded: 0 };
  }

  keep(id: string, request: ModelRequest): void {
    this.requests.set(id, request);
  }

  /** Gives back the last units that were not given back yet. */
  refund(id: string, count: number): void {
    const request = this.requests.get(id) as ModelRequest;
    for (let i = 0; i < count; i++) {
      const source = request.units[request.units.length - 1 - request.refunded++] ?? null;
      if (source === null) this.used--;
      else if (source === 'overage') this.overage.used--;
      else source.left++;
    }
  }

  reset(): void {
    for (const [id, { units, refunded }] of this.requests) this.refund(id, units.length - refunded);
  }

  drawsOf(id: string): ModelDraw[] {
    const draws: ModelDraw[] = [];
    for (const from of (this.requests.get(id) as ModelRequest).units) {
      if (from === null) continue;
      const draw: ModelDraw = from === 'overage' ? { source: from, grantId: null, units: 1 } : { source: 'grant', grantId: from.id, units: 1 };
      const last = draws.at(-1);
      if (last?.source === draw.source && last.grantId === draw.grantId) last.units++;
      else draws.push(draw);
    }
    return draws;
  }
}
