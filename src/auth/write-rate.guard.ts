import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type FastifyRequest } from 'fastify';
import { BoundedCache } from '../common/bounded-cache';
import { ACCESS, type Access, BOUNDED_OTHERWISE } from '../common/access.decorators';
import { OncePerRoute } from '../common/once-per-route';
import { type Principal } from '../common/principal';
import { GuardFails } from '../openapi/declarations';
import { SettingsService } from '../settings/settings.service';
import { TooManyWrites } from './auth.errors';
import { WriteRateSettings } from './write-rate.settings';

const MINUTE_MS = 60_000;
const MAX_USERS = 20_000;
const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Bounds what a user writes without paying for it: every route that changes something, but for those that are `@BoundedOtherwise()`.
 * Counted per replica and in memory, like attempts to log in: it keeps one user from filling the disk, and is not exact.
 * Administrators are the operator; what they may not fill, nobody may.
 */
@Injectable()
@GuardFails(({ method, metadata }) => (isBounded(method, metadata) ? [TooManyWrites] : []))
export class WriteRateGuard implements CanActivate {
  /** Users who changed something within the minute; beyond the bound who began longest ago is forgotten. */
  private readonly minutes = new BoundedCache<number, { writes: number; endsAt: number }>(MAX_USERS);
  private readonly boundedOtherwise = new OncePerRoute((context) =>
    this.reflector.getAllAndOverride<boolean | undefined>(BOUNDED_OTHERWISE, [context.getHandler(), context.getClass()]),
  );

  constructor(
    private readonly reflector: Reflector,
    private readonly settings: SettingsService,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const { method, principal } = context.switchToHttp().getRequest<FastifyRequest & { principal?: Principal }>();
    if (READS.has(method) || principal === undefined || principal.isAdmin) return true;
    if (this.boundedOtherwise.of(context)) return true;
    return this.count(principal.userId);
  }

  /** @throws TooManyWrites */
  private count(userId: number): true {
    const now = performance.now();
    let minute = this.minutes.get(userId);
    if (minute === undefined || minute.endsAt <= now) this.minutes.set(userId, (minute = { writes: 0, endsAt: now + MINUTE_MS }));
    if (minute.writes >= this.settings.get(WriteRateSettings.writesPerMinute)) throw new TooManyWrites(Math.ceil((minute.endsAt - now) / 1_000));
    minute.writes++;
    return true;
  }
}

/** Of a route: some who may call it are counted. */
function isBounded(method: string, metadata: (key: string) => unknown): boolean {
  const { public: open, adminOnly } = metadata(ACCESS) as Access;
  return !open && !adminOnly && !READS.has(method) && metadata(BOUNDED_OTHERWISE) !== true;
}
