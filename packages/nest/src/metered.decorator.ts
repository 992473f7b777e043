import { applyDecorators, createParamDecorator, type ExecutionContext, SetMetadata, UseGuards } from '@nestjs/common';
import { chargeOf, type MeterableCall, type MeteredCharge, type MeterPrice } from '@quotidian/client';
import { QuotidianGuard } from './quotidian.guard';
import { METERED } from './metered';

/**
 * Meters a handler, or all handlers of a controller: the caller is charged before it runs, or answered 401, 403 or 429 as Quotidian
 * does. With the module's `key` the units are held until the answer is out: `@CurrentCharge()` settles less, and by `refundOn` (here
 * `error`, so that bodies which validation refuses cost nothing) they go back. Guards that are written below it run before it.
 */
export function Metered<Request extends MeterableCall = MeterableCall>(price: MeterPrice<Request>): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(METERED, price), UseGuards(QuotidianGuard));
}

/** The charge of the call: `@CurrentCharge() charge: MeteredCharge`. Undefined in a handler that is not metered. */
export const CurrentCharge = createParamDecorator((_: unknown, context: ExecutionContext): MeteredCharge | undefined =>
  chargeOf(context.switchToHttp().getRequest<object>()),
);
