import { type Client, type Schemas } from './client';
import { ProblemError } from './problem-error';

/** What ends an attempt. */
export type Outcome = { act: 'complete'; body: Schemas['CompleteDto'] } | { act: 'fail'; body: Schemas['FailDto'] };

interface Result {
  id: string;
  body: Schemas['CompleteDto'];
  resolve: () => void;
  reject: (error: unknown) => void;
}

const MAX_ITEMS = 100;

/** Carries the outcomes of all of a worker's attempts to the service: results that are there at the same moment go in one call. */
export class OutcomeDelivery {
  private results: Result[] = [];

  constructor(private readonly client: Client) {}

  /** @throws ProblemError if the outcome is refused */
  async send(id: string, { act, body }: Outcome): Promise<void> {
    if (act === 'fail') await this.client.POST('/v1/requests/{id}/fail', { params: { path: { id } }, body });
    else await this.complete(id, body);
  }

  private complete(id: string, body: Schemas['CompleteDto']): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.results.push({ id, body, resolve, reject }) === 1) (globalThis.setImmediate ?? setTimeout)(() => this.flush());
    });
  }

  private flush(): void {
    const results = this.results;
    this.results = [];
    while (results.length > 0) void this.deliver(results.splice(0, MAX_ITEMS));
  }

  /** Never rejects. */
  private async deliver(results: Result[]): Promise<void> {
    if (results.length === 1) return this.deliverEach(results);
    try {
      const items = results.map(({ id, body }) => ({ ...body, id }));
      const { data } = await this.client.POST('/v1/requests/complete', { body: { items } });
      results.forEach(({ resolve, reject }, i) => {
        const answer = data.items[i];
        if (answer?.status === 200) resolve();
        else reject(refusal(answer));
      });
    } catch (error) {
      // Nothing is known of any of them: together they may be too large, or one may spoil the call for all.
      if (blamesTheBody(error)) return this.deliverEach(results);
      for (const { reject } of results) reject(error);
    }
  }

  private async deliverEach(results: Result[]): Promise<void> {
    await Promise.all(
      results.map(({ id, body, resolve, reject }) =>
        this.client.POST('/v1/requests/{id}/complete', { params: { path: { id } }, body }).then(() => resolve(), reject),
      ),
    );
  }
}

/** A refusal of the call that is not about who calls, how often, or a service that cannot take it now. */
function blamesTheBody(error: unknown): boolean {
  return error instanceof ProblemError && error.status < 500 && ![401, 403, 429].includes(error.status);
}

function refusal(answer: Schemas['BatchItemAnswerDto'] | undefined): Error {
  if (answer?.problem === undefined) return new TypeError('The answer does not name every result.');
  return new ProblemError(answer.problem, Response.json(answer.problem, { status: answer.status }));
}
