/** Numbers that follow from a seed, so a run that failed can be had again: its requests, its faults and their order. */
export class Random {
  constructor(seed) {
    this.seed = seed;
    this.state = seed >>> 0;
  }

  /** From 0 to below 1 (mulberry32). */
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  integer(from, to) {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  pick(items) {
    return items[Math.floor(this.next() * items.length)];
  }

  chance(share) {
    return this.next() < share;
  }
}
