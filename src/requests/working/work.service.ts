import { Injectable } from '@nestjs/common';
import { storedBytes } from '../../common/stored-size';
import { SettingsService } from '../../settings/settings.service';
import { type CompleteDto, type FailDto, type HeartbeatDto, type LeaseDto } from '../dto/work.dto';
import { ErrorTooLarge, RequestFinal, ResultTooLarge } from '../requests.errors';
import { RequestsRepository } from '../requests.repository';
import { RequestSettings } from '../requests.settings';
import { TransitionsService } from './transitions.service';

/**
 * What workers do with requests that they claimed. The attempt fences off who lost the lease: once somebody else was
 * handed the request, or it has ended, the transition is refused and changes nothing.
 */
@Injectable()
export class WorkService {
  constructor(
    private readonly transitions: TransitionsService,
    private readonly repository: RequestsRepository,
    private readonly settings: SettingsService,
  ) {}

  /** Extends the lease. @throws NotFoundProblem, StaleAttempt, RequestFinal */
  async heartbeat(id: string, { attempt, leaseSeconds }: HeartbeatDto): Promise<LeaseDto> {
    const seconds = leaseSeconds ?? this.settings.get(RequestSettings.leaseSeconds);
    const { leaseExpiresAt, cancelRequested } = await this.transitions.apply({ act: 'heartbeat', id, attempt, leaseSeconds: seconds });
    return { id, attempt, leaseExpiresAt: leaseExpiresAt as Date, cancelRequested };
  }

  /** Ends it well; repeated with the same result, it answers as the first time. @returns the request as JSON @throws NotFoundProblem, StaleAttempt, RequestFinal, ValidationProblem, ResultTooLarge */
  async complete(id: string, { attempt, result, units }: CompleteDto): Promise<string> {
    const resultJson = this.toJson(result, ResultTooLarge);
    try {
      const { json } = await this.transitions.apply({ act: 'complete', id, attempt, units: units ?? undefined, resultJson });
      return json as string;
    } catch (error) {
      // A worker whose first answer was lost asks again, and must not take its own success for somebody else's.
      const same = error instanceof RequestFinal ? await this.repository.completed(id, attempt, resultJson, units ?? null) : null;
      if (same === null) throw error;
      return same;
    }
  }

  /**
   * Ends it badly: `pending` again for another attempt after a pause, `canceled` if that was asked for, else `failed`.
   * @returns the request as JSON
   * @throws NotFoundProblem, StaleAttempt, RequestFinal, ValidationProblem, ErrorTooLarge
   */
  async fail(id: string, { attempt, error, retryable, units }: FailDto): Promise<string> {
    const errorJson = this.toJson(error, ErrorTooLarge);
    const retry = { baseSeconds: this.settings.get(RequestSettings.retryBaseSeconds), maxSeconds: this.settings.get(RequestSettings.retryMaxSeconds) };
    const { json } = await this.transitions.apply({
      act: 'fail',
      id,
      attempt,
      units: units ?? undefined,
      retryable: retryable ?? false,
      retry,
      errorJson,
    });
    return json as string;
  }

  private toJson(value: unknown, TooLarge: typeof ResultTooLarge | typeof ErrorTooLarge): string {
    const json = JSON.stringify(value ?? null);
    const bytes = storedBytes(value, json);
    const max = this.settings.get(RequestSettings.maxResultBytes);
    if (bytes > max) throw new TooLarge(bytes, max);
    return json;
  }
}
