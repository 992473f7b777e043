import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';
import { chargeOf, type MeterableCall, type MeterPrice } from '@quotidian/client';
import { METERED } from './metered';
import { Quotidian } from './quotidian';
import { Refused } from './refused';

type RawResponse = Parameters<Quotidian['meter']>[1];

/**
 * Charges the caller of whatever is `@Metered(…)`, which brings it along; registered for the whole application it lets pass what is
 * not. Always true: a call is charged once, however many times it comes by.
 */
@Injectable()
export class QuotidianGuard implements CanActivate {
  constructor(
    @Inject(Quotidian) private readonly quotidian: Quotidian,
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {}

  /** @throws Refused with what Quotidian answered: 401, 403, 429, or 503 while it cannot be reached */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const price = this.reflector.getAllAndOverride<MeterPrice | undefined>(METERED, [context.getHandler(), context.getClass()]);
    if (price === undefined) return true;
    if (context.getType() !== 'http') throw new Error(`@Metered is for HTTP handlers, and not for those of ${context.getType()}.`);
    const http = context.switchToHttp();
    const request = http.getRequest<MeterableCall>();
    if (chargeOf(request) !== undefined) return true;
    const response = http.getResponse<RawResponse & { raw?: RawResponse }>();
    const admission = await this.quotidian.meter(request, response.raw ?? response, { refundOn: 'error', ...price });
    const { httpAdapter } = this.host;
    for (const [name, value] of Object.entries(admission.headers)) httpAdapter.setHeader(response, name, value);
    if (admission.allowed) return true;
    httpAdapter.setHeader(response, 'content-type', 'application/problem+json');
    throw new Refused({ ...admission.problem, status: admission.status });
  }
}
