import fc from 'fast-check';
import { getMetadataStorage } from 'class-validator';
import { parseJsonBody } from '../../src/http/json-body';
import { Problem } from '../../src/http/problem';
import { checkBody } from '../../src/http/validation.pipe';
import { BatchItemDto } from '../../src/requests/dto/batch.dto';
import { SubmitRequestDto } from '../../src/requests/dto/submit-request.dto';
import { CompleteItemDto } from '../../src/requests/dto/work.dto';
import { checkItem } from '../../src/requests/item-answers';
import { promisesByTheClock } from '../support/clock-promises';
import { cpuMsOf, threadMs } from '../support/cpu-time';
import { makeAdmin } from '../support/factories';
import { type BodyOfSize, FOUND, hostileBodies } from '../support/hostile-bodies';
import { routesOf } from '../support/routes';
import { type Service, startService } from '../support/service';

promisesByTheClock();

const MAX_BYTES = 255_000;
const QUARTER = MAX_BYTES >> 2;
const MAX_MS = 20;
/** Four times the body is four times the work; the rest is room for the collector and for what does not show in a millisecond. */
const GROWTH = 8;
const SLACK_MS = 4;

type Dto = new () => object;

describe('checking a body of 256 kB', () => {
  let service: Service;
  let dtos: Dto[];
  beforeAll(async () => {
    service = await startService();
    // The hot route checks its body by itself.
    dtos = [SubmitRequestDto, ...new Set(routesOf(service.app).flatMap(({ body }) => (body === null ? [] : [body as Dto])))];
  });
  afterAll(() => service.close());

  const fieldsOf = (dto: Dto) => [
    ...new Set(
      getMetadataStorage()
        .getTargetValidationMetadatas(dto, '', false, false)
        .map((one) => one.propertyName),
    ),
  ];

  /** All that happens to a body before anybody knows whose it is, and the size of the refusal if there is one. */
  function check(dto: Dto, body: Buffer): number {
    try {
      const checked = checkBody(dto, parseJsonBody(body)) as { items?: unknown[] };
      for (const [i, item] of (checked.items ?? []).entries())
        for (const itemDto of [BatchItemDto, CompleteItemDto] as Dto[]) refusalOf(() => checkItem(itemDto, item, i));
      return 0;
    } catch (error) {
      return sizeOf(error);
    }
  }
  function refusalOf(work: () => unknown): number {
    try {
      work();
      return 0;
    } catch (error) {
      return sizeOf(error);
    }
  }
  function sizeOf(error: unknown): number {
    if (!(error instanceof Problem)) throw error;
    return JSON.stringify(error.getResponse()).length;
  }

  function assertBounded(dto: Dto, body: BodyOfSize): void {
    const large = Buffer.from(body(MAX_BYTES));
    const quarter = Buffer.from(body(QUARTER));
    expect(large.length).toBeLessThan(256 * 1_024);
    expect(check(dto, large)).toBeLessThan(64 * 1_024);
    const largeMs = cpuMsOf(() => check(dto, large), MAX_MS / 2);
    expect(largeMs).toBeLessThan(MAX_MS);
    if (largeMs > MAX_MS / 2) expect(grows(dto, large, quarter)).toBe(false);
  }

  /** Whether it takes disproportionately longer each time: once would be the collector, or a neighbour in the processor's caches. */
  function grows(dto: Dto, large: Buffer, quarter: Buffer): boolean {
    const limitMs = () => GROWTH * cpuMsOf(() => check(dto, quarter)) + SLACK_MS;
    return Array.from({ length: 6 }).every(() => {
      const allowedMs = limitMs();
      return cpuMsOf(() => check(dto, large), allowedMs) > allowedMs;
    });
  }

  it('finds the DTOs of the routes', () => {
    expect(dtos.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['SubmitRequestDto', 'CredentialsDto', 'CreateApiKeyDto', 'ClaimDto', 'BatchDto', 'PutConfigurationDto']),
    );
  });

  it.each(Object.entries(FOUND))('takes at most 20 ms of the processor, and grows with the body: %s', (_, body) => {
    for (const dto of dtos) assertBounded(dto, body);
  });

  it('takes at most 20 ms of the processor, and grows with the body, whatever the body and the route are', () => {
    for (const dto of dtos)
      fc.assert(
        fc.property(hostileBodies(fieldsOf(dto)), (body) => assertBounded(dto, body)),
        { numRuns: 8, endOnFailure: true },
      );
  }, 120_000);

  it.each(Object.entries(FOUND))('is over before others notice, signed in or not, and is answered shortly: %s', async (_, body) => {
    const admin = await makeAdmin(service);
    for (const path of ['/v1/auth/login', '/v1/users/me/api-keys', '/v1/requests/claim']) {
      let fewest = Infinity;
      for (let i = 0; i < 5 && fewest > 2 * MAX_MS; i++) {
        const before = threadMs();
        const answer = await service.as(admin).post(path).set('content-type', 'application/json').send(body(MAX_BYTES));
        fewest = Math.min(fewest, threadMs() - before);
        expect([answer.status, answer.body.code]).toEqual([400, 'validation-failed']);
        expect(answer.body.errors.length).toBeLessThanOrEqual(100);
        expect(answer.text.length).toBeLessThan(64 * 1_024);
      }
      // The client's part, a quarter of a megabyte written and read, is in it.
      expect(fewest).toBeLessThan(2 * MAX_MS);
    }
  });

  it('is found out when it is quadratic', () => {
    const unique = (body: Buffer) => parseScopes(body).filter((scope, i, all) => all.indexOf(scope) === i);
    const parseScopes = (body: Buffer) => (JSON.parse(body.toString()) as { types: string[] }).types;
    const [large, quarter] = [MAX_BYTES, QUARTER].map((bytes) => Buffer.from(FOUND['many types'](bytes)));
    const largeMs = cpuMsOf(() => unique(large), Infinity);
    expect(largeMs).toBeGreaterThan(MAX_MS);
    expect(largeMs).toBeGreaterThan(GROWTH * cpuMsOf(() => unique(quarter)) + SLACK_MS);
  });
});
