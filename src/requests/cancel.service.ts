import { Injectable } from '@nestjs/common';
import { type Principal } from '../common/principal';
import { type CanceledRequestDto } from './dto/canceled-request.dto';
import { type RequestDto } from './dto/request.dto';
import { TransitionsService } from './transitions.service';
import { ownOnly } from './requests.service';

/** Cancels requests: their owner's own, an administrator's or `service` key's anybody's. */
@Injectable()
export class CancelService {
  constructor(private readonly transitions: TransitionsService) {}

  /** @throws NotFoundProblem, RequestFinal */
  async cancel(principal: Principal, id: string): Promise<CanceledRequestDto> {
    const owner = ownOnly(principal);
    // The work of a reservation is done behind the gateway: if owners could end it at once, they would not pay for it.
    const { request, refunded } = await this.transitions.apply({ act: 'cancel', id, owner: owner ?? undefined, force: owner === null });
    return { ...(request as RequestDto), refunded };
  }
}
