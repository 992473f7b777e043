import { Injectable } from '@nestjs/common';
import { AuditChainRepository, type ChainFault, type ChainHead } from './audit-chain.repository';

/** Faults that a report shows; all are counted. */
const SHOWN = 100;

export interface ChainReport {
  clean: boolean;
  /** Events in the log. */
  events: number;
  /** Events that wait for their places in the chain. */
  unsealed: number;
  /** Events that a redaction changed, and that a later event names. */
  redacted: number;
  /** Kept elsewhere, it proves later that nothing up to it was cut off. */
  head: ChainHead;
  counts: Partial<Record<ChainFault['kind'], number>>;
  faults: ChainFault[];
}

/**
 * The proof that the audit log is what was written. Always true: an event has its digest from its own transaction on, whoever inserted it, and
 * writers wait for no hash: their events are put into the chain afterwards, in the order in which they were committed.
 */
@Injectable()
export class AuditChainService {
  constructor(private readonly repository: AuditChainRepository) {}

  /** Gives what was committed its place, and returns how many events that were. */
  async seal(stop: AbortSignal): Promise<number> {
    let sealed = 0;
    for (let batch = -1; batch !== 0 && !stop.aborted; sealed += batch) batch = await this.repository.seal();
    return sealed;
  }

  /** Looks at every event, a batch at a time. @param noted a head of before, which the chain must still hold */
  async check(noted: ChainHead | null = null): Promise<ChainReport> {
    const counts: ChainReport['counts'] = {};
    const faults: ChainFault[] = [];
    let redacted = 0;
    const note = (fault: ChainFault) => {
      counts[fault.kind] = (counts[fault.kind] ?? 0) + 1;
      if (faults.length < SHOWN) faults.push(fault);
    };
    if (noted !== null && noted.position !== '0' && !(await this.repository.holds(noted))) note({ kind: 'broken', eventId: null, position: noted.position });
    const walk = async (read: (after: string) => ReturnType<AuditChainRepository['links']>, key: 'position' | 'eventId') => {
      let looked = 0;
      for (let after: string | null = '0'; after !== null;) {
        const batch = await read(after);
        looked += batch.length;
        const changed = batch.filter(({ kind }) => kind === 'changed').map(({ eventId }) => eventId);
        const known = new Set(changed.length === 0 ? [] : await this.repository.redacted(changed));
        redacted += known.size;
        for (const { kind, eventId, position } of batch) if (kind !== null && !(kind === 'changed' && known.has(eventId))) note({ kind, eventId, position });
        after = batch.at(-1)?.[key] ?? null;
      }
      return looked;
    };
    await walk((after) => this.repository.links(after), 'position');
    // Before the log itself: an event that is sealed meanwhile has moved on to where it is looked for.
    const unsealed = await walk((after) => this.repository.unsealed(after), 'eventId');
    const events = await walk((after) => this.repository.events(after), 'eventId');
    return { clean: Object.keys(counts).length === 0, events, unsealed, redacted, head: await this.repository.head(), counts, faults };
  }
}
