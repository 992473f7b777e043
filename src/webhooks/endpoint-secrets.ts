import { Injectable } from '@nestjs/common';
import { defineSealedColumn, sealName } from '../settings/sealed-column';
import { type SealedValue, SecretBox } from '../settings/secret-box';
import { makeSecret } from './signature';

const PRESENT = defineSealedColumn({ table: 'webhook_endpoints', id: 'id', idType: 'integer', column: 'secret' });
const PREVIOUS = defineSealedColumn({ table: 'webhook_endpoints', id: 'id', idType: 'integer', column: 'previous_secret' });

/** Secrets of endpoints, sealed for the one that they belong to: moved to another row they do not open. */
@Injectable()
export class EndpointSecrets {
  constructor(private readonly box: SecretBox) {}

  /** A new secret for the endpoint, as its receiver gets it and as it is stored. */
  make(endpointId: number): { secret: string; sealed: SealedValue } {
    const secret = makeSecret();
    return { secret, sealed: this.box.seal(sealName(PRESENT, String(endpointId)), secret) };
  }

  /** The present secret as it is stored once it is the previous one; null: it cannot be read any more. */
  retire(endpointId: number, sealed: SealedValue): SealedValue | null {
    const secret = this.open(endpointId, sealed);
    return secret === null ? null : this.box.seal(sealName(PREVIOUS, String(endpointId)), secret);
  }

  /** Null: it was sealed with a key that is not given any more. */
  open(endpointId: number, sealed: SealedValue): string | null {
    return this.text(sealName(PRESENT, String(endpointId)), sealed);
  }

  openPrevious(endpointId: number, sealed: SealedValue): string | null {
    return this.text(sealName(PREVIOUS, String(endpointId)), sealed);
  }

  private text(name: string, sealed: SealedValue): string | null {
    const secret = this.box.open(name, sealed);
    return typeof secret === 'string' ? secret : null;
  }
}
