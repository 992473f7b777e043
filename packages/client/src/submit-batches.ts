import { type Problem, ProblemError } from './problem-error';
import { type Fetch } from './retries';
import { type components } from './schema';

type SubmitRequest = components['schemas']['SubmitRequestDto'];
type Submitted = components['schemas']['RequestDto'];
type Answer = components['schemas']['BatchItemAnswerDto'];

export interface Batching {
  /** For how long a submit waits for others while one is under way, in milliseconds; 2 by default, which is the longest too. */
  maxDelayMs?: number;
  /** How many go in one call, 1 to 100; 100 by default. */
  maxItems?: number;
}

/** What a submit in a batch is answered: as one by itself, but for the rate-limit fields, which the answer to many has not. */
export interface BatchedAnswer {
  data: Submitted;
  readonly response: Response;
}

interface Waiting {
  body: SubmitRequest;
  key: string;
  json: string;
  resolve: (answer: BatchedAnswer) => void;
  reject: (error: unknown) => void;
}

const MAX_DELAY_MS = 2;
const MAX_ITEMS = 100;
/** The service takes bodies of 256 KiB. */
const MAX_BYTES = 240_000;
/** Of a character of a JavaScript text, in UTF-8. */
const MAX_BYTES_OF_CHAR = 3;

export interface SubmitBatchesOptions extends Batching {
  url: string;
  headers: Record<string, string>;
  /** Carries a batch, and repeats it: each item has a key of its own. */
  fetch: Fetch;
  /** Submits one by itself, in the way of every other call. */
  alone: (body: SubmitRequest, key: string) => Promise<BatchedAnswer>;
}

/** Puts submits that come at the same moment into one call. Always true: each has the outcome that it would have had alone. */
export class SubmitBatches {
  private waiting: Waiting[] = [];
  private bytes = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether somebody sends what waits. */
  private isDue = false;
  /** Calls that are under way: while there are none, nobody waits for company. */
  private underWay = 0;
  private readonly maxDelayMs: number;
  private readonly maxItems: number;

  constructor(private readonly options: SubmitBatchesOptions) {
    this.maxDelayMs = Math.min(options.maxDelayMs ?? MAX_DELAY_MS, MAX_DELAY_MS);
    this.maxItems = Math.max(1, Math.min(options.maxItems ?? MAX_ITEMS, MAX_ITEMS));
  }

  /** @throws ProblemError if it is refused */
  submit(body: SubmitRequest, key: string = crypto.randomUUID()): Promise<BatchedAnswer> {
    const json = JSON.stringify({ ...body, idempotencyKey: key });
    const bytes = json.length * MAX_BYTES_OF_CHAR + 1;
    if (bytes > MAX_BYTES) return this.options.alone(body, key);
    if (this.bytes + bytes > MAX_BYTES) this.flush();
    return new Promise((resolve, reject) => {
      this.bytes += bytes;
      if (this.waiting.push({ body, key, json, resolve, reject }) >= this.maxItems) this.flush();
      else if (!this.isDue) this.schedule();
    });
  }

  /** What one turn of the caller's program submits is together by the end of it; only beside others is it worth waiting for more. */
  private schedule(): void {
    this.isDue = true;
    if (this.underWay === 0) queueMicrotask(() => this.flush());
    else this.timer = setTimeout(() => this.flush(), this.maxDelayMs);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.isDue = false;
    const { waiting } = this;
    this.waiting = [];
    this.bytes = 0;
    if (waiting.length === 1) this.sendAlone(waiting);
    else if (waiting.length > 0) void this.send(waiting);
  }

  private sendAlone(waiting: readonly Waiting[]): void {
    for (const { body, key, resolve, reject } of waiting) {
      this.underWay++;
      const ended = () => this.underWay--;
      const answer = this.options.alone(body, key);
      answer.then(resolve, reject);
      answer.then(ended, ended);
    }
  }

  /** Never rejects. */
  private async send(waiting: readonly Waiting[]): Promise<void> {
    this.underWay++;
    try {
      const { url, headers, fetch } = this.options;
      const body = `{"items":[${waiting.map(({ json }) => json).join()}]}`;
      const response = await fetch(new Request(url, { method: 'POST', headers, body }));
      // What is wrong with the call as a whole, such as a credential, is found by each as it would have been alone.
      if (response.status !== 200) return this.sendAlone(waiting);
      const { items } = (await response.json()) as { items: Answer[] };
      waiting.forEach((one, i) => this.settle(one, items[i]));
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    } finally {
      this.underWay--;
    }
  }

  private settle(one: Waiting, answer: Answer | undefined): void {
    if (answer?.request !== undefined) return one.resolve(answered(answer.request));
    // The service could not take it now: by itself it is tried again, with the pauses of every call.
    if (answer?.problem === undefined || answer.status >= 500) return this.sendAlone([one]);
    one.reject(refusal(answer.problem, answer.status));
  }
}

/** The answer is made when somebody asks for it: most ask for the data. */
function answered(data: Submitted): BatchedAnswer {
  return {
    data,
    get response() {
      return Response.json(data, { status: 201, headers: { location: `/v1/requests/${data.id}` } });
    },
  };
}

function refusal(problem: Problem, status: number): ProblemError {
  const { resetsAt } = problem;
  const seconds = typeof resetsAt === 'string' ? Math.max(1, Math.ceil((Date.parse(resetsAt) - Date.now()) / 1_000)) : null;
  const headers = { 'content-type': 'application/problem+json', ...(status === 429 && seconds !== null ? { 'retry-after': String(seconds) } : {}) };
  return new ProblemError(problem, new Response(JSON.stringify(problem), { status, headers }));
}
