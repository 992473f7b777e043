import { Injectable } from '@nestjs/common';
import { type Spans, tracing } from '../../common/spans';
import { StatementPool } from '../../database/statement-pool';
import { SettingsService } from '../../settings/settings.service';
import { TraceOrigins } from '../../trace-origins/trace-origins.service';
import { type ClaimDto } from '../dto/claim.dto';
import { type HeldCall } from '../following/held-calls';
import { RequestSignals } from '../following/request-signals';
import { listedType, RequestSettings } from '../requests.settings';
import { ClaimRoom } from './claim-room';
import { type Claim, ClaimsRepository, type ClaimResult, type Kind } from './claims.repository';
import { FairShare } from './fair-share';
import { OverdueSweep } from './overdue-sweep';

/** Claims that all candidates were taken from under are tried anew. */
const TRIES = 4;

/** Hands requests to workers. Always true: each attempt is handed out once, and bears its number from then on. */
@Injectable()
export class ClaimsService {
  private readonly shares = new FairShare();

  constructor(
    private readonly repository: ClaimsRepository,
    private readonly statements: StatementPool,
    private readonly overdue: OverdueSweep,
    private readonly settings: SettingsService,
    private readonly room: ClaimRoom,
    private readonly signals: RequestSignals,
    private readonly origins: TraceOrigins,
  ) {}

  /** What there is now, each as JSON. */
  async claim(dto: ClaimDto): Promise<string[]> {
    const { items } = await this.look(dto);
    if (items.length > 0) this.room.wake(dto.types);
    return items.map(({ json }) => json);
  }

  /**
   * What there is, or after a wait of `waitSeconds` at most what comes; nothing to a worker who went away.
   * @throws CredentialsInvalid, ScopeRequired once the credential has ended
   */
  async claimOrWait(dto: ClaimDto, call: HeldCall): Promise<string[]> {
    const endsAt = performance.now() + (dto.waitSeconds ?? 0) * 1_000;
    this.room.enter(call, dto.types);
    try {
      for (;;) {
        const { items, nextInMs } = await this.look(dto);
        if (items.length > 0) {
          this.room.wake(dto.types);
          // The look may have taken its time.
          await call.assertAllowed();
          return items.map(({ json }) => json);
        }
        const isOpen = await this.room.wait(call, endsAt - performance.now(), nextInMs);
        await call.assertAllowed();
        if (!isOpen) return [];
      }
    } finally {
      this.room.leave(call, dto.types);
    }
  }

  private async look({ types, limit, leaseSeconds }: ClaimDto): Promise<ClaimResult> {
    const kinds = this.kindsOf(types);
    const seconds = leaseSeconds ?? this.settings.get(RequestSettings.leaseSeconds);
    for (let tries = 1; ; tries++) {
      const claim = { kinds, limit: limit ?? 1, leaseSeconds: seconds, leads: this.shares.leads(types) };
      const result = await (tracing.spans === null ? this.claimOnce(claim) : this.claimTraced(claim, tracing.spans));
      for (const { id, type, userId } of result.items) {
        this.shares.served(type, userId);
        this.signals.changed(id);
      }
      this.overdue.begin(result.overdue);
      if (result.items.length > 0 || !result.contended || tries === TRIES) return result;
    }
  }

  private claimTraced(claim: Claim, spans: Spans): Promise<ClaimResult> {
    return spans.run('claim', { fields: { 'quotidian.claim.limit': claim.limit } }, async (note, link, linkLater) => {
      const result = await this.claimOnce(claim);
      note({ 'quotidian.claim.requests': result.items.length });
      const ids = result.items.map(({ id }) => id);
      for (const id of ids) link(spans.recall(id));
      linkLater(() => this.origins.of(ids));
      return result;
    });
  }

  private claimOnce(claim: Claim): Promise<ClaimResult> {
    const limited = claim.kinds.filter(({ concurrency }) => concurrency !== null).map(({ type }) => type);
    if (limited.length === 0) return this.repository.claim(claim);
    return this.statements.transaction(async (run) => {
      await this.repository.lockTypes(run, limited);
      return this.repository.claim(claim, run);
    });
  }

  private kindsOf(types: readonly string[]): Kind[] {
    const known = this.settings.get(RequestSettings.types);
    const maxAttempts = this.settings.get(RequestSettings.maxAttempts);
    const concurrency = this.settings.get(RequestSettings.concurrency);
    return types.map((type) => {
      const own = listedType(known, type);
      return { type, max_attempts: own?.maxAttempts ?? maxAttempts, concurrency: own?.concurrency === undefined ? concurrency : own.concurrency };
    });
  }
}
