import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type FastifyRequest } from 'fastify';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { ACCESS, type Access, METERED } from '../common/access.decorators';
import { type Principal } from '../common/principal';
import { GuardFails } from '../openapi/declarations';
import { SettingsService } from '../settings/settings.service';
import { TooManyWrites } from './auth.errors';
import { WriteRateSettings } from './write-rate.settings';

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Bounds what a user writes without paying for it: every route that changes something, but for those that are `@Metered()`.
 * Counted per replica and in memory, like attempts to log in: it keeps one user from filling the disk, and is not exact.
 * Administrators are the operator; what they may not fill, nobody may.
 */
@Injectable()
@GuardFails(({ method, metadata }) => (isBounded(method, metadata) ? [TooManyWrites] : []))
export class WriteRateGuard implements CanActivate {
  private readonly limiter = new RateLimiterMemory({ points: WriteRateSettings.writesPerMinute.default, duration: 60 });

  constructor(
    private readonly reflector: Reflector,
    private readonly settings: SettingsService,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const { method, principal } = context.switchToHttp().getRequest<FastifyRequest & { principal?: Principal }>();
    if (READS.has(method) || principal === undefined || principal.isAdmin) return true;
    if (this.reflector.getAllAndOverride<boolean | undefined>(METERED, [context.getHandler(), context.getClass()])) return true;
    return this.count(principal.userId);
  }

  private async count(userId: number): Promise<boolean> {
    this.limiter.points = this.settings.get(WriteRateSettings.writesPerMinute);
    await this.limiter.consume(userId).catch((state: RateLimiterRes) => {
      throw new TooManyWrites(Math.max(1, Math.ceil(state.msBeforeNext / 1_000)));
    });
    return true;
  }
}

/** Of a route: some who may call it are counted. */
function isBounded(method: string, metadata: (key: string) => unknown): boolean {
  const { public: open, adminOnly } = metadata(ACCESS) as Access;
  return !open && !adminOnly && !READS.has(method) && metadata(METERED) !== true;
}
