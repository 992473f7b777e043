import { Injectable } from '@nestjs/common';
import { type Actor, type Principal } from '../common/principal';
import { isUuid } from '../common/uuid';
import { NotFoundProblem } from '../http/problem';
import { TransitionsService } from './working/transitions.service';

import { RequestsRepository } from './requests.repository';
import { ownOnly } from './requests.service';

/** Cancels requests: their owner's own, an administrator's or `service` key's anybody's. */
@Injectable()
export class CancelService {
  constructor(
    private readonly transitions: TransitionsService,
    private readonly repository: RequestsRepository,
  ) {}

  /** An administrator's cancel of another's request is in the audit log. @returns the request as JSON, with what was given back @throws NotFoundProblem, RequestFinal */
  async cancel(principal: Principal, actor: Actor, id: string): Promise<string> {
    const owner = ownOnly(principal);
    // A deleted user's requests are nobody's, though their rows are still there.
    const request = owner === null && isUuid(id) ? await this.repository.find(id, null) : null;
    if (owner === null && request === null) throw new NotFoundProblem('request');
    const operator = principal.isAdmin && request?.userId !== principal.userId ? actor : null;
    // The work of a reservation is done behind the gateway: if owners could end it at once, they would not pay for it.
    const { json, refunded } = await this.transitions.apply({ act: 'cancel', id, owner: owner ?? undefined, force: owner === null }, operator);
    return `${(json as string).slice(0, -1)},"refunded":${refunded}}`;
  }
}
