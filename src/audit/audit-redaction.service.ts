import { Injectable } from '@nestjs/common';
import { type Actor } from '../common/principal';
import { Transactions } from '../database/transactions';
import { AuditRedactionRepository, type Redaction, REDACTED_AT_ONCE } from './audit-redaction.repository';
import { AuditService } from './audit.service';

/** What is taken out of the log: addresses of accounts, of which digests stay; or all that events about one user show of what changed. */
export type Redacted = { addresses: true } | { userId: number };

/**
 * Takes personal data out of the audit log. Always true: the chain stays as it is, and each event that was changed is named by a later event with its digests
 * before and after, which is chained itself: so a redaction is distinguished from a forgery, and cannot be hidden.
 */
@Injectable()
export class AuditRedactionService {
  constructor(
    private readonly repository: AuditRedactionRepository,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
  ) {}

  /** @returns how many events were changed */
  async redact(actor: Actor, what: Redacted, stop?: AbortSignal): Promise<number> {
    let sum = 0;
    for (let after = '0'; !stop?.aborted;) {
      const done = await this.transactions.run(async (tx) => {
        await this.repository.open(tx);
        const found = await ('addresses' in what ? this.repository.addresses(tx, after) : this.repository.contents(tx, after, String(what.userId)));
        await this.repository.close(tx);
        if (found.length > 0) await this.audit.record(tx, actor, { action: 'audit.redact', target: targetOf(what), after: { events: found } });
        return found;
      });
      sum += done.length;
      const last: Redaction | undefined = done.at(-1);
      if (last === undefined || done.length < REDACTED_AT_ONCE) break;
      after = last.id;
    }
    return sum;
  }
}

function targetOf(what: Redacted): [string, string | number] {
  return 'addresses' in what ? ['audit-events', 'addresses'] : ['user', what.userId];
}
