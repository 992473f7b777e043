import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { type Actor } from '../common/principal';
import { Transactions } from '../database/transactions';
import { SecretBox } from '../settings/secret-box';
import { sealName } from '../settings/sealed-column';
import { type SealedSecret, SecretsRepository } from './secrets.repository';

export interface RotationReport {
  /** Values and earlier versions that were sealed anew. */
  resealed: number;
  /** Those that no given key opens, as `key`, `key, version 3`, `key, change 7` or `mails.contents:<id>`. */
  unreadable: string[];
}

/**
 * Seals every secret setting, its earlier versions too, and every sealed column with SECRETS_KEY. Always true: each is one statement of its own and names
 * its key, so that a rotation that ended half way is gone on with by the next, and everything stays readable meanwhile by
 * whoever has both keys. A secret that is written at the same time is left as the writer left it.
 */
@Injectable()
export class SecretsRotationService {
  constructor(
    private readonly repository: SecretsRepository,
    private readonly secrets: SecretBox,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
  ) {}

  /** @param actor who asks for it, as the audit log names them */
  async rotate(actor: Actor): Promise<RotationReport> {
    const report: RotationReport = { resealed: 0, unreadable: [] };
    for await (const sealed of this.repository.sealedWithout(this.secrets.keyId)) {
      const value = this.secrets.open(sealed.key, sealed.value);
      if (value === undefined) report.unreadable.push(nameOf(sealed));
      else if (await this.repository.replace(sealed, this.secrets.seal(sealed.key, value))) report.resealed++;
    }
    for await (const cell of this.repository.cellsSealedWithout(this.secrets.keyId)) {
      const name = sealName(cell.column, cell.id);
      const value = this.secrets.open(name, cell.value);
      if (value === undefined) report.unreadable.push(name);
      else if (await this.repository.replaceCell(cell, this.secrets.seal(name, value))) report.resealed++;
    }
    // What is sealed is sealed, one by one: this records the act, once it is over.
    await this.transactions.run((tx) => this.audit.record(tx, actor, { action: 'secrets.rotate', target: ['secrets', 'all'], after: report }));
    return report;
  }
}

function nameOf({ key, version, change }: SealedSecret): string {
  return version !== null ? `${key}, version ${version}` : change !== null ? `${key}, change ${change}` : key;
}
