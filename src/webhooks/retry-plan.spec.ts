import { verdictOf } from './retry-plan';

const plan = { schedule: [0, 5, 300], tries: 0, ordered: false, orderedMaxTries: 2 };
const answered = (status: number | null, retryAfterMs: number | null = null, error: string | null = null) => ({ status, error, retryAfterMs });

describe('the plan of a delivery', () => {
  it.each([200, 201, 202, 204, 299])('is over with %i', (status) => expect(verdictOf(answered(status), plan, 0).status).toBe('delivered'));

  it.each([null, 100, 301, 302, 307, 308, 400, 401, 404, 409, 429, 500, 503])('goes on after %s', (status) => {
    expect(verdictOf(answered(status), plan, 0)).toEqual({ status: 'waiting', pauseSeconds: 5, counts: true, gone: false });
  });

  it('ends for good at 410', () => expect(verdictOf(answered(410), plan, 0)).toMatchObject({ status: 'failed', gone: true }));

  it('follows the schedule to its end, with a tenth left to chance', () => {
    expect(verdictOf(answered(500), { ...plan, tries: 1 }, 1).pauseSeconds).toBeCloseTo(330);
    expect(verdictOf(answered(500), { ...plan, tries: 2 }, 0).status).toBe('failed');
  });

  it('waits for as long as it is asked to, and no less than the schedule has', () => {
    expect(verdictOf(answered(429, 60_000), plan, 0).pauseSeconds).toBe(60);
    expect(verdictOf(answered(429, 1_000), plan, 0).pauseSeconds).toBe(5);
  });

  it('is shorter where others wait for it', () => {
    expect(verdictOf(answered(500), { ...plan, ordered: true }, 0).status).toBe('waiting');
    expect(verdictOf(answered(500), { ...plan, ordered: true, tries: 1 }, 0).status).toBe('failed');
  });

  it('does not count what the endpoint is not to blame for', () => {
    expect(verdictOf(answered(null, null, 'proxy-failed'), { ...plan, tries: 2 }, 0)).toMatchObject({ status: 'waiting', counts: false });
  });
});
