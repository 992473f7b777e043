import { Injectable } from '@nestjs/common';
import { type SealedValue, SecretBox } from '../settings/secret-box';
import { makeSecret } from './signature';

/** Secrets of endpoints, sealed for the one that they belong to: moved to another row they do not open. */
@Injectable()
export class EndpointSecrets {
  constructor(private readonly box: SecretBox) {}

  /** A new secret for the endpoint, as its receiver gets it and as it is stored. */
  make(endpointId: number): { secret: string; sealed: SealedValue } {
    const secret = makeSecret();
    return { secret, sealed: this.box.seal(nameOf(endpointId), secret) };
  }

  /** Null: it was sealed with a key that is not given any more. */
  open(endpointId: number, sealed: SealedValue): string | null {
    const secret = this.box.open(nameOf(endpointId), sealed);
    return typeof secret === 'string' ? secret : null;
  }
}

function nameOf(endpointId: number): string {
  return `webhook-endpoint ${endpointId}`;
}
