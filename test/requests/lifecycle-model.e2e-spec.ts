import fc from 'fast-check';
import { eventually } from '../support/eventually';
import { makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { type Body, books, claim, makeWorker, newType, submit } from './work';

const COST = 5;
const MAX_ATTEMPTS = 3;

type Step =
  | { do: 'claim' | 'cancel' | 'lease runs out' | 'deadline passes' | 'pause is over' | 'day passes' }
  | { do: 'complete'; off: number; units: number | undefined }
  | { do: 'fail'; off: number; retryable: boolean; units: number | undefined }
  | { do: 'heartbeat'; off: number };

/** Mostly the attempt that is under way, now and then one that is not. */
const off = fc.constantFrom(0, 0, 0, 0, -1, 1);
const units = fc.option(fc.integer({ min: 0, max: COST + 1 }), { nil: undefined });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ do: 'claim' as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('complete' as const), off, units }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('fail' as const), off, retryable: fc.boolean(), units }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('heartbeat' as const), off }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('cancel', 'lease runs out', 'lease runs out', 'deadline passes', 'pause is over', 'pause is over', 'day passes'),
    }),
  },
);

/** What a request is to do, in plain text. */
class RequestModel {
  status = 'pending';
  attempt = 0;
  refunded = 0;
  canceling = false;
  leased = true;
  paused = false;

  get isFinal(): boolean {
    return this.status !== 'pending' && this.status !== 'processing';
  }

  /** @returns the HTTP status of the answer, or for a claim the attempt that it hands out */
  apply(step: Step): number {
    switch (step.do) {
      case 'claim':
        return this.claim();
      case 'cancel':
        if (this.isFinal) return 409;
        if (this.status === 'pending') this.end('canceled', COST);
        else this.canceling = true;
        return 200;
      case 'deadline passes':
        if (!this.isFinal) this.end('expired', this.attempt === 0 ? COST : 0);
        return 0;
      case 'lease runs out':
        if (this.status === 'processing') this.leased = false;
        return 0;
      case 'pause is over':
        this.paused = false;
        return 0;
      case 'day passes':
        return 0;
      default:
        return this.verb(step);
    }
  }

  private claim(): number {
    if (this.status === 'pending' && !this.paused) this.status = 'processing';
    else if (this.status !== 'processing' || this.leased) return 0;
    else if (this.canceling) return this.end('canceled', COST);
    else if (this.attempt === MAX_ATTEMPTS) return this.end('failed', COST);
    this.leased = true;
    return ++this.attempt;
  }

  private verb(step: Extract<Step, { off: number }>): number {
    if (this.isRepeated(step)) return 200;
    if (this.status !== 'processing' || this.attempt + step.off < 1 || step.off !== 0) return this.attempt + step.off < 1 ? 400 : 409;
    if (step.do === 'heartbeat') {
      this.leased = true;
      return 200;
    }
    if ((step.units ?? 0) > COST) return 400;
    if (step.do === 'complete') this.end('succeeded', COST - (step.units ?? COST));
    else if (this.canceling) this.end('canceled', COST - (step.units ?? 0));
    else if (step.retryable && this.attempt < MAX_ATTEMPTS) [this.status, this.paused] = ['pending', true];
    else this.end('failed', COST);
    return 200;
  }

  /** A result that is there already; where all units went back it cannot be known for how many it was. */
  private isRepeated(step: Step): boolean {
    if (step.do !== 'complete' || this.status !== 'succeeded' || step.off !== 0 || this.attempt < 1) return false;
    return this.refunded === COST || this.refunded === COST - (step.units ?? COST);
  }

  private end(status: string, refunded: number): 0 {
    [this.status, this.refunded] = [status, refunded];
    return 0;
  }
}

describe('any sequence of outcomes about a request', () => {
  let service: Service;
  let worker: TestUser;
  let submitter: TestUser;
  beforeAll(async () => {
    service = await startService();
    worker = await makeWorker(service);
    submitter = await makeUser(service, { scopes: ['requests:write', 'service'] });
  });
  afterAll(() => service.close());

  async function carryOut(step: Step, { id, userId, type }: Body, attempt: number, owner: TestUser): Promise<number> {
    const post = async (as: TestUser, verb: string, body: object) => (await service.as(as).post(`/v1/requests/${id}/${verb}`).send(body)).status;
    switch (step.do) {
      case 'claim':
        return (await claim(service, worker, type))[0]?.attempt ?? 0;
      case 'cancel':
        return post(owner, 'cancel', {});
      case 'deadline passes':
        await service.sql(`UPDATE requests SET deadline_at = now() WHERE id = $1 AND finished_at IS NULL`, [id]);
        // Whoever reads it next ends it.
        await service.as(submitter).get(`/v1/requests/${id}`);
        return 0;
      case 'lease runs out':
        await service.sql(`UPDATE requests SET lease_expires_at = now() WHERE id = $1 AND status = 'processing'`, [id]);
        return 0;
      case 'pause is over':
        await service.sql(`UPDATE requests SET available_at = now() WHERE id = $1 AND available_at IS NOT NULL`, [id]);
        return 0;
      case 'day passes':
        // One transaction: what the clock ended may be given back beside it.
        await service.sql(`UPDATE users SET quota_reset_date = quota_reset_date - 1 WHERE id = ${userId};
          UPDATE requests SET charged_on = charged_on - 1 WHERE user_id = ${userId};
          UPDATE quota_usage SET date = date - 1 WHERE user_id = ${userId};
          SELECT quota_close_out(ARRAY[${userId}])`);
        return 0;
      default: {
        const { do: verb, off: by, ...body } = step;
        return post(worker, verb, { attempt: attempt + by, ...body });
      }
    }
  }

  it('leaves it where the model states, with its units paid or given back once, on the day that was charged', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        const owner = await makeUser(service);
        const type = newType();
        const model = new RequestModel();
        const made = await submit(service, submitter, type, { userId: owner.id, cost: COST });
        for (const one of steps) {
          const before = model.attempt;
          const expected = model.apply(one);
          expect(await carryOut(one, made, before, owner)).toBe(expected);
        }
        const { status, attempt, refunded } = model;
        // What the clock ends is ended beside the claim that noticed it.
        await eventually(async () => {
          const { body } = await service.as(owner).get(`/v1/requests/${made.id}`).expect(200);
          expect(body).toMatchObject({ status, attempt, refundedUnits: refunded });
          expect(body.attempts.length).toBe(attempt);
        });
        const { used, days } = await books(service, owner);
        const archived = /(\d+)\/(\d+)$/.exec(days);
        expect(archived ? [used, Number(archived[1]), Number(archived[2])] : [used]).toEqual(archived ? [0, COST - refunded, refunded] : [COST - refunded]);
      }),
      { numRuns: 120 },
    );
  }, 120_000);
});
