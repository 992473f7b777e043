import { type FastifyReply } from 'fastify';

export interface CallSlotsOptions {
  /** Calls of one caller under way at once. */
  max: number;
  /** Calls of one caller that wait behind them; each is memory. */
  waitingMax: number;
  /** How one more is refused. */
  full: () => Error;
}

/** The place of one call among those of its caller. */
export interface Slot {
  /** Whether the call begins: `true` where it need not wait, else once it does, or false when it left while it waited. */
  readonly begins: true | Promise<boolean>;
  /** It is over, or is not waited for any more. May be called more than once. */
  leave(): void;
}

interface Waiting {
  begin: (begins: boolean) => void;
}

interface Calls {
  underWay: number;
  waiting: Set<Waiting>;
}

/**
 * Bounds the calls that one caller has under way; the others follow in the order in which they came. Always true: no caller
 * waits for another here, and between two calls of one caller those of others are served, so however many calls a caller
 * sends at once, they hold up nobody but that caller.
 */
export class CallSlots<Caller> {
  private readonly callers = new Map<Caller, Calls>();

  constructor(private readonly options: CallSlotsOptions) {}

  /** @throws what `full` makes, at once, when too many of this caller wait */
  enter(caller: Caller): Slot {
    const calls = this.callers.get(caller) ?? { underWay: 0, waiting: new Set() };
    this.callers.set(caller, calls);
    if (calls.underWay < this.options.max) {
      calls.underWay++;
      return { begins: true, leave: once(() => this.handOn(caller, calls)) };
    }
    if (calls.waiting.size >= this.options.waitingMax) throw this.options.full();
    return this.wait(caller, calls);
  }

  /**
   * Does the work in a slot of the caller's. `restMs`, asked of how long it took: for how long the slot then stays empty.
   * @throws what `full` makes; what the work throws
   */
  async run<T>(caller: Caller, work: () => Promise<T>, restMs: (elapsedMs: number) => number = () => 0): Promise<T> {
    const slot = this.enter(caller);
    if (slot.begins !== true) await slot.begins;
    const begunAt = performance.now();
    try {
      return await work();
    } finally {
      const rest = restMs(performance.now() - begunAt);
      if (rest > 0) setTimeout(() => slot.leave(), rest).unref();
      else slot.leave();
    }
  }

  private wait(caller: Caller, calls: Calls): Slot {
    let waiting: Waiting | undefined;
    const begins = new Promise<boolean>((begin) => calls.waiting.add((waiting = { begin })));
    const leave = once(() => {
      if (calls.waiting.delete(waiting as Waiting)) (waiting as Waiting).begin(false);
      else this.handOn(caller, calls);
    });
    return { begins, leave };
  }

  /** The next one of the caller's begins after what has come in meanwhile from others. */
  private handOn(caller: Caller, calls: Calls): void {
    const [next] = calls.waiting;
    if (next === undefined) {
      if (--calls.underWay === 0) this.callers.delete(caller);
      return;
    }
    calls.waiting.delete(next);
    setImmediate(next.begin, true);
  }
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    work();
  };
}

const slots = new WeakMap<FastifyReply, Slot>();

/**
 * The slot is left when its handler answers. Not when the connection closes: whoever calls and goes away again and again
 * would have any number of calls under way.
 */
export function leaveWhenAnswered(reply: FastifyReply, slot: Slot): void {
  const send = reply.send.bind(reply);
  const hijack = reply.hijack.bind(reply);
  slots.set(reply, slot);
  reply.send = (payload?: unknown) => {
    slot.leave();
    return send(payload);
  };
  reply.hijack = () => {
    slot.leave();
    return hijack();
  };
  // Should it be answered past its handler: see the last net.
  reply.raw.once('close', () => reply.raw.writableEnded && slot.leave());
}

/** For a call that does nothing from now on but wait. */
export function leaveSlot(reply: FastifyReply): void {
  slots.get(reply)?.leave();
}
